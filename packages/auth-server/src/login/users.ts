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
  /** As {@link Users.find}, of somebody for whom something is done while they are away: whoever is needed is not forgotten. */
  serve(sub: string): Promise<User | undefined>
}

/** Seconds that somebody who is needed is kept for, at least. */
export const neededFor: number = 30 * 86_400
const day = 86_400

type Transaction = Store<LoginTables>['db']

/** Reads users. */
export function usersIn(store: Store<LoginTables>, now: () => number): Users {
  const rowOf = (sub: string) =>
    store.db
      .selectFrom('auth_server_users')
      .select(['sub', 'claims', 'review'])
      .where('sub', '=', sub)
      .executeTakeFirst()
  const userOf = (row: Awaited<ReturnType<typeof rowOf>>): User | undefined =>
    row === undefined ? undefined : { sub: row.sub, claims: claimsOf(row.claims) }
  return {
    find: async sub => userOf(await rowOf(sub)),
    async serve(sub) {
      const row = await rowOf(sub)
      const review = now() + neededFor
      // Once a day is enough, and only towards the end.
      if (row !== undefined && row.review < review - day) {
        await store.write(tx =>
          tx
            .updateTable('auth_server_users')
            .set({ review })
            .where('sub', '=', sub)
            .where('review', '<', review)
            .execute(),
        )
      }
      return userOf(row)
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
