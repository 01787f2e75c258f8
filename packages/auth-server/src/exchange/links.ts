import type { Store } from '@countersign/store'
import type { RequestRow, Tables } from '../tables.js'

/** A user as another auth server knows them: the pair, never `sub` alone. */
export interface UpstreamUser {
  readonly iss: string
  readonly sub: string
}

/** Which users of other auth servers are users of this one. */
export interface Links {
  /** Our name for the user; undefined where they are not linked. */
  find(upstream: UpstreamUser): Promise<string | undefined>
  /** Notes that the browser's user has proven to be the upstream one; false when the request no longer waits. */
  prove(row: RequestRow, browser: string, user: string): Promise<boolean>
  /** Links what was proven, once that is on disk; false when it was not, or the upstream user is somebody else's by now. */
  add(row: RequestRow, upstream: UpstreamUser, user: string): Promise<boolean>
}

/** Queries over the table. */
export function linksIn(store: Store<Tables>, now: () => number): Links {
  return {
    async find({ iss, sub }) {
      const row = await store.db
        .selectFrom('auth_server_links')
        .select('user_sub')
        .where('iss', '=', iss)
        .where('sub', '=', sub)
        .executeTakeFirst()
      return row?.user_sub
    },

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

    add({ request_hash }, { iss, sub }, user) {
      return store.write(async tx => {
        const proven = await tx
          .selectFrom('auth_server_requests')
          .select('upstream_user')
          .where('request_hash', '=', request_hash)
          .where('status', '=', 'pending')
          .where('expires', '>', now())
          .executeTakeFirst()
        if (proven?.upstream_user !== user) return false
        await tx
          .insertInto('auth_server_links')
          .values({ iss, sub, user_sub: user, created: now() })
          .onConflict(on => on.columns(['iss', 'sub']).doNothing())
          .execute()
        const linked = await tx
          .selectFrom('auth_server_links')
          .select('user_sub')
          .where('iss', '=', iss)
          .where('sub', '=', sub)
          .executeTakeFirst()
        return linked?.user_sub === user
      })
    },
  }
}
