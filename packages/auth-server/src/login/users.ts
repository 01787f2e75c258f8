import { randomBytes } from 'node:crypto'
import type { Store } from '@countersign/store'
import type { UpstreamAccount, UserClaims } from './login-method.js'
import { type LoginTables, unseenAtMost } from './login-tables.js'

/** Somebody who has signed in here. */
export interface User {
  /** Our own name for them: random, the same for all audiences (protocol §5). */
  readonly sub: string
  /** As of their last login. */
  readonly claims: UserClaims
}

/** The users of one auth server. */
export interface Users {
  /** The user with this `sub`, absent when there is none. */
  find(sub: string): Promise<User | undefined>
}

type Transaction = Store<LoginTables>['db']

/** Reads users. */
export function usersIn(store: Store<LoginTables>): Users {
  return {
    async find(sub) {
      const row = await store.db
        .selectFrom('auth_server_users')
        .select(['sub', 'claims'])
        .where('sub', '=', sub)
        .executeTakeFirst()
      return row === undefined ? undefined : { sub: row.sub, claims: claimsOf(row.claims) }
    },
  }
}

/** A new user's name: says nothing about them, and nobody can guess it. */
export function newSub(): string {
  return randomBytes(16).toString('base64url')
}

/**
 * Notes that an account signed in, with its claims as they are now, and tells our name for it: always the same one, `sub`
 * when it is new here.
 */
export async function noteLogin(
  tx: Transaction,
  { issuer, subject, claims }: UpstreamAccount,
  { sub, now }: { readonly sub: string; readonly now: number },
): Promise<User> {
  const row = { issuer, subject, claims: JSON.stringify(claims), last_login: now, review: now + unseenAtMost }
  const known = await tx
    .insertInto('auth_server_users')
    .values({ ...row, sub, created: now })
    .onConflict(on =>
      on
        .columns(['issuer', 'subject'])
        .doUpdateSet({ claims: row.claims, last_login: row.last_login, review: row.review }),
    )
    .returning('sub')
    .executeTakeFirstOrThrow()
  return { sub: known.sub, claims }
}

/** Reads the claims of a row. */
export function claimsOf(json: string): UserClaims {
  return JSON.parse(json) as UserClaims
}
