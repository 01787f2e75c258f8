import { boundedMap } from '@countersign/protocol'
import type { Store } from '@countersign/store'
import type { GrantUser, Principal } from './grants.js'
import type { GrantRow, Tables } from './tables.js'

/** Live grants of one agent or delegate for one user, or for none; beyond, those of the resource with the most end, unused for longest first. */
const mostPerPrincipal = 100
const endAtMost = 500
const mostRemembered = 10_000

/**
 * Makes what ends, after each new grant, those over the limit of its owner and user, and tells of each; it never rejects.
 * They are counted only when what the last count left has been used up: grants that end meanwhile make room, never take it.
 * Of several processes at one database each fills the room that it saw, so that for a while there can be as many times the limit.
 */
export function grantLimit(
  store: Store<Tables>,
  onEnded: (grant: GrantRow) => void,
): (principal: Principal, user: GrantUser | undefined) => Promise<void> {
  const room = createRoom()
  return async (principal, user) => {
    const owner = JSON.stringify([principal.agent, principal.delegate, user?.sub])
    if (room.take(owner)) return
    try {
      // Counted outside the write: on PostgreSQL, grants of one agent that are written at once would collide over it.
      const { count } = await ownedBy(store.db, principal, user)
        .select(({ fn }) => fn.countAll().as('count'))
        .executeTakeFirstOrThrow()
      room.see(owner, mostPerPrincipal - Number(count))
      if (Number(count) <= mostPerPrincipal) return
      for (const ended of await store.write(tx => endOldest(tx, principal, user))) onEnded(ended)
    } catch {
      // The grant itself is stored, and its token must reach the agent; the next one ends what is too much.
    }
  }
}

/** How many grants each owner can still get before they must be counted again. */
interface Room {
  /** Uses up one place; false when none is known of. */
  take(owner: string): boolean
  /** Notes what a count found. */
  see(owner: string, places: number): void
}

function createRoom(): Room {
  const room = boundedMap<string, number>(mostRemembered)
  return {
    take(owner) {
      const places = room.get(owner) ?? 0
      if (places > 1) room.set(owner, places - 1)
      else room.delete(owner)
      return places > 0
    },
    see(owner, places) {
      // Of two counts at once the one that saw more grants holds.
      const left = Math.min(places, room.get(owner) ?? places)
      if (left > 0) room.set(owner, left)
      else room.delete(owner)
    },
  }
}

type Database = Store<Tables>['db']

/**
 * An agent that forgets its refresh tokens asks anew each time; without an end it would fill the disk. The newest grant at
 * every resource outlives the second newest at any: a resource that makes agents ask on and on takes no other's grants.
 */
async function endOldest(tx: Database, principal: Principal, user: GrantUser | undefined): Promise<GrantRow[]> {
  const ranked = ownedBy(tx, principal, user)
    .select(['refresh_hash', 'last_used'])
    .select(({ fn }) =>
      fn
        .agg<number>('row_number')
        .over(over => over.partitionBy('resource').orderBy('last_used', 'desc'))
        .as('rank_at_resource'),
    )
    .as('ranked')
  const surplus = tx
    .selectFrom(ranked)
    .select('refresh_hash')
    .orderBy('rank_at_resource')
    .orderBy('last_used', 'desc')
    .limit(endAtMost)
    .offset(mostPerPrincipal)
  return tx.deleteFrom('auth_server_grants').where('refresh_hash', 'in', surplus).returningAll().execute()
}

// What it returns is a type of the query builder, which has no short name.
function ownedBy(db: Database, { agent, delegate = '' }: Principal, user: GrantUser | undefined) {
  return db
    .selectFrom('auth_server_grants')
    .where('agent', '=', agent)
    .where('agent_delegate', '=', delegate)
    .where('user_sub', user === undefined ? 'is' : '=', user?.sub ?? null)
}
