import { randomBytes } from 'node:crypto'
import type { Store } from '@countersign/store'
import type { UpstreamAccount, UserClaims } from './login-method.js'
import { type LoginTables, unseenAtMost } from './login-tables.js'

/** A user who has signed in here. */
export interface User {
  /** Random, and the same for all audiences (protocol §5). */
  readonly sub: string
  /** As of their last login. */
  readonly claims: UserClaims
}

/** The users of one auth server. */
export interface Users {
  /** The user with this `sub`, absent when there is none. */
  find(sub: string): Promise<User | undefined>
  /** As {@link Users.find}, while an agent acts for the user: keeps the user from being deleted as unseen. */
  serve(sub: string): Promise<User | undefined>
}

/** Seconds for which a user whom an agent acts for is kept, at least. */
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
      // Written once a day at most, and only when the review is near.
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

/** The `sub` of a new user: random, so it cannot be guessed and says nothing about them. */
export function newSub(): string {
  return randomBytes(16).toString('base64url')
}

/**
 * Notes that an account signed in, with its current claims; resolves with its user. A new account gets `sub`, a known one keeps
 * its own.
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
