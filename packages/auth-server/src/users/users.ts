import { randomBytes } from 'node:crypto'
import type { Store } from '@countersign/store'
import type { Transaction } from '@countersign/store/internal'
import { type LoginTables, type UserRow, unseenAtMost } from '../tables/login-tables.js'
import type { UpstreamAccount, UserClaims } from './user-claims.js'

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

/** The `issuer` of users who made their account here; the `subject` is their `sub`. */
export const ownIssuer = 'account'

/**
 * Notes that an account at a provider signed in, with its current claims; resolves with its user. A new account gets `sub`, a known
 * one keeps its own.
 */
// unchecked options {}: only the desk, the console and tests call it, and TypeScript checks them
export async function noteLogin(
  tx: Transaction<LoginTables>,
  { issuer, subject, claims }: UpstreamAccount,
  { sub, now, provider }: { readonly sub: string; readonly now: number; readonly provider: string },
): Promise<User & { readonly isNew: boolean }> {
  const encoded = JSON.stringify(claims)
  const earlier = await earlierSub(tx, { issuer, subject })
  const known = await tx
    .insertInto('auth_server_identities')
    .values({
      issuer,
      subject,
      provider,
      claims: encoded,
      sub: earlier ?? sub,
      created: now,
      last_used: now,
    })
    .onConflict(on => on.columns(['issuer', 'subject']).doUpdateSet({ provider, claims: encoded, last_used: now }))
    .returning('sub')
    .executeTakeFirstOrThrow()
  // What is left of a deleted account gets a new `sub`: resources must not recognise its user.
  const isLeft = known.sub !== sub && !(await isUser(tx, known.sub))
  if (isLeft)
    await tx
      .updateTable('auth_server_identities')
      .set({ sub })
      .where('issuer', '=', issuer)
      .where('subject', '=', subject)
      .execute()
  const own = isLeft ? sub : known.sub
  await keepUser(tx, { issuer, subject, sub: own, claims: encoded, now })
  return { sub: own, claims, isNew: own === sub }
}

/**
 * The `sub` of a user of an earlier version, or of an instance of one beside this: that keeps the account at the provider with the user
 * alone.
 */
export async function earlierSub(
  tx: Transaction<LoginTables>,
  { issuer, subject }: Pick<UpstreamAccount, 'issuer' | 'subject'>,
): Promise<string | undefined> {
  const row = await tx
    .selectFrom('auth_server_users')
    .select('sub')
    .where('issuer', '=', issuer)
    .where('subject', '=', subject)
    .executeTakeFirst()
  return row?.sub
}

/** Makes the user of an account of this auth server itself. */
// unchecked options {}: only the desk, the console and tests call it, and TypeScript checks them
export async function newUser(
  tx: Transaction<LoginTables>,
  { sub, claims, now }: { readonly sub: string; readonly claims: UserClaims; readonly now: number },
): Promise<User> {
  await keepUser(tx, { issuer: ownIssuer, subject: sub, sub, claims: JSON.stringify(claims), now })
  return { sub, claims }
}

/** Notes that a user signed in without news of their claims. @returns undefined when there is no such user */
export async function noteReturn(tx: Transaction<LoginTables>, sub: string, now: number): Promise<User | undefined> {
  const row = await tx
    .updateTable('auth_server_users')
    .set({ last_login: now, review: now + unseenAtMost })
    .where('sub', '=', sub)
    .returning('claims')
    .executeTakeFirst()
  return row === undefined ? undefined : { sub, claims: claimsOf(row.claims) }
}

/**
 * Makes transactions about the ways in which one user signs in wait for each other: what one counts, no other adds to.
 * @returns false where there is no such user: an account that was deleted meanwhile gets nothing more
 */
export async function lockUser(tx: Transaction<LoginTables>, sub: string): Promise<boolean> {
  const { numUpdatedRows } = await tx
    .updateTable('auth_server_users')
    .set({ sub })
    .where('sub', '=', sub)
    .executeTakeFirstOrThrow()
  return numUpdatedRows > 0n
}

/** Whether there is such a user. */
export async function isUser(tx: Transaction<LoginTables>, sub: string): Promise<boolean> {
  const row = await tx.selectFrom('auth_server_users').select('sub').where('sub', '=', sub).executeTakeFirst()
  return row !== undefined
}

async function keepUser(
  tx: Transaction<LoginTables>,
  o: Pick<UserRow, 'issuer' | 'subject' | 'sub' | 'claims'> & { readonly now: number },
): Promise<void> {
  const { now, ...row } = o
  const seen = { claims: row.claims, last_login: now, review: now + unseenAtMost }
  await tx
    .insertInto('auth_server_users')
    .values({ ...row, ...seen, created: now })
    .onConflict(on => on.column('sub').doUpdateSet(seen))
    .execute()
}

/** Reads the claims of a row. */
export function claimsOf(json: string): UserClaims {
  return JSON.parse(json) as UserClaims
}
