import { prepared, type Store } from '@countersign/store'
import type { GrantUser, Principal } from './grants.js'
import type { GrantRow, Tables } from './tables.js'

/** Live grants of one agent or delegate for one user, or for none; beyond, those of the resource with the most end, unused for longest first. */
const mostPerPrincipal = 100
const endAtMost = 500

/** Names the lock under which grants of one owner and user are written: each write must see all that the ones before it left. */
export function grantLock({ agent, delegate }: Principal, user: GrantUser | undefined): string {
  return `grants ${JSON.stringify([agent, delegate, user?.sub])}`
}

/**
 * Makes what ends those over the limit of one owner and user, in the transaction that added a grant, and resolves with them. The
 * transaction holds the lock of {@link grantLock}: of a burst that comes at once, no more than the limit stay, whichever instances
 * they reach.
 */
export function grantLimit(): (tx: Database, principal: Principal, user: GrantUser | undefined) => Promise<GrantRow[]> {
  // Run at every grant: put into SQL once (`is null` is another statement than `=`), and in the order of the one index that finds an
  // owner without reading the grants of others.
  const beyondOfUser = prepared((tx: Database, owner: Owner & { readonly sub: string }) =>
    ownedBy(tx, owner)
      .where('user_sub', '=', owner.sub)
      .select('last_used')
      .orderBy('last_used', 'desc')
      .limit(1)
      .offset(mostPerPrincipal),
  )
  const beyondOfNone = prepared((tx: Database, owner: Owner) =>
    ownedBy(tx, owner)
      .where('user_sub', 'is', null)
      .select('last_used')
      .orderBy('last_used', 'desc')
      .limit(1)
      .offset(mostPerPrincipal),
  )
  return async (tx, { agent, delegate = '' }, user) => {
    const owner = { agent, delegate }
    const { rows } = await (user === undefined
      ? beyondOfNone(tx, owner)
      : beyondOfUser(tx, { ...owner, sub: user.sub }))
    return rows.length === 0 ? [] : endOldest(tx, owner, user)
  }
}

type Database = Store<Tables>['db']

interface Owner {
  readonly agent: string
  readonly delegate: string
}

/**
 * An agent that forgets its refresh tokens asks anew each time; without an end it would fill the disk. The newest grant at
 * every resource outlives the second newest at any: a resource that makes agents ask on and on takes no other's grants.
 */
async function endOldest(tx: Database, owner: Owner, user: GrantUser | undefined): Promise<GrantRow[]> {
  const ranked = ownedBy(tx, owner)
    .where('user_sub', user === undefined ? 'is' : '=', user?.sub ?? null)
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
function ownedBy(db: Database, { agent, delegate }: Owner) {
  return db.selectFrom('auth_server_grants').where('agent', '=', agent).where('agent_delegate', '=', delegate)
}
