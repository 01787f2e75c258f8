import type { Also } from '@countersign/audit/internal'
import type { Store } from '@countersign/store'
import type { LinkRow } from '../tables/exchange-tables.js'
import type { Tables } from '../tables/tables.js'
import { isUser } from '../users/users.js'

/** A user of another auth server: the pair, never `sub` alone. */
export interface UpstreamUser {
  readonly iss: string
  readonly sub: string
}

/** The exchange that waits for its user. */
interface WaitingRequest {
  readonly request_hash: string
}

/** Which users of other auth servers are users of this one. */
export interface Links {
  /** The user's `sub` here; undefined where they are not linked. */
  // unchecked options upstream: only packages of ours call it, and TypeScript checks them
  find(upstream: UpstreamUser): Promise<string | undefined>
  /** Notes that the user of this browser has proven to be the upstream user; false when the request no longer waits. */
  prove(request: WaitingRequest, browser: string, user: string): Promise<boolean>
  /** Stores the link that was proven; false when it was not proven, or the upstream user is linked to another user by now. */
  // unchecked options link: only packages of ours call it, and TypeScript checks them
  add(
    request: WaitingRequest,
    link: { readonly upstream: UpstreamUser; readonly user: string },
    also?: Also,
  ): Promise<boolean>
}

type Database = Store<Tables>['db']

/** Queries over the table. */
export function linksIn(store: Store<Tables>, now: () => number): Links {
  return {
    find: upstream => linkedUser(store.db, upstream),

    async prove({ request_hash }, browser, user) {
      const { numUpdatedRows } = await store.write(tx =>
        tx
          .updateTable('auth_server_requests')
          .set({ upstream_user: user })
          .where('request_hash', '=', request_hash)
          .where('browser', '=', browser)
          .where('status', '=', 'pending')
          .where('expires', '>', now())
          .executeTakeFirstOrThrow(),
      )
      return numUpdatedRows > 0n
    },

    add: (request, { upstream, user }, also) =>
      store.write(async tx => {
        const proven = await provenUser(tx, request, now())
        if (proven !== user || !(await isUser(tx, user))) return false
        if ((await linkOnce(tx, { ...upstream, user_sub: user, created: now() })) !== user) return false
        await also?.(tx)
        return true
      }),
  }
}

/** The user who was proven to be the upstream one, while the request waits. */
async function provenUser(
  tx: Database,
  { request_hash }: WaitingRequest,
  now: number,
): Promise<string | null | undefined> {
  const row = await tx
    .selectFrom('auth_server_requests')
    .select('upstream_user')
    .where('request_hash', '=', request_hash)
    .where('status', '=', 'pending')
    .where('expires', '>', now)
    .executeTakeFirst()
  return row?.upstream_user
}

/** Links unless there is a link already; resolves with the user who is linked then. */
async function linkOnce(tx: Database, link: LinkRow): Promise<string | undefined> {
  await tx
    .insertInto('auth_server_links')
    .values(link)
    .onConflict(on => on.columns(['iss', 'sub']).doNothing())
    .execute()
  return linkedUser(tx, link)
}

async function linkedUser(db: Database, { iss, sub }: UpstreamUser): Promise<string | undefined> {
  const row = await db
    .selectFrom('auth_server_links')
    .select('user_sub')
    .where(({ and }) => and({ iss, sub }))
    .executeTakeFirst()
  return row?.user_sub
}
