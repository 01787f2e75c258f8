import { type Prepared, prepared, type Store } from '@countersign/store'
import type { GrantRow, Tables } from '../tables/tables.js'
import type { GrantUser, Principal } from './grant.js'

/** Live grants of one agent or delegate for one user, or for none. Beyond that, grants at the resource with the most end, unused for longest first. */
const mostPerPrincipal = 100
const endAtMost = 500

/** Names the lock under which grants of one owner and user are written: each write must see those before it. */
export function grantLock({ agent, delegate }: Principal, user: GrantUser | undefined): string {
  return `grants ${JSON.stringify([agent, delegate, user?.sub])}`
}

/** Writes the row of a grant, in a transaction that holds the lock of {@link grantLock}; resolves with the grants that this ended. */
type BoundedInsert = (tx: Database, row: GrantRow) => Promise<GrantRow[]>

/**
 * Writes grants, and ends those over the limit of their owner and user. The count and the insert hold one lock: a burst leaves no more
 * grants than the limit, whichever instances it reaches.
 */
export function boundedInsert(): BoundedInsert {
  // `is null` is another statement than `=`.
  const [ofUser, ofNone] = [insertAndCount('='), insertAndCount('is')]
  return async (tx, row) => {
    const { rows } = await (row.user_sub === null ? ofNone : ofUser)(tx, row)
    const live = Number(rows[0]?.live ?? mostPerPrincipal)
    return live < mostPerPrincipal ? [] : endOldest(tx, row)
  }
}

/**
 * One statement: writes a row, and counts those of its owner and user, up to a hundred. It reads only the index by owner. Databases
 * disagree whether the new row counts; if it does, the hundredth grant calls {@link endOldest}, which finds nothing to end.
 */
function insertAndCount(same: '=' | 'is'): Prepared<Tables, GrantRow, { readonly live: number | string | null }> {
  return prepared((tx: Database, p: GrantRow) =>
    insert(tx, p).returning(({ selectFrom, fn }) =>
      selectFrom(
        ownedBy(tx, p.agent, p.agent_delegate)
          .where('user_sub', same, same === 'is' ? null : p.user_sub)
          .select('last_used')
          .limit(mostPerPrincipal)
          .as('owned'),
      )
        .select(fn.countAll<number | string>().as('live'))
        .as('live'),
    ),
  )
}

// What it returns is a type of the query builder, which has no short name.
function insert(tx: Database, p: GrantRow) {
  return tx.insertInto('auth_server_grants').values({
    refresh_hash: p.refresh_hash,
    id: p.id,
    agent: p.agent,
    agent_delegate: p.agent_delegate,
    resource: p.resource,
    scope: p.scope,
    purpose: p.purpose,
    created: p.created,
    last_used: p.last_used,
    user_sub: p.user_sub,
    claims: p.claims,
    redemption_hash: p.redemption_hash,
    txn: p.txn,
    words: p.words,
    conditions: p.conditions,
    purposes: p.purposes,
  })
}

type Database = Store<Tables>['db']

/**
 * An agent that loses its refresh tokens asks anew each time; without a limit it would fill the disk. The newest grant at each
 * resource outlives the second newest at any: a resource that makes agents ask again and again cannot push out grants elsewhere.
 */
async function endOldest(tx: Database, { agent, agent_delegate, user_sub }: GrantRow): Promise<GrantRow[]> {
  const ranked = ownedBy(tx, agent, agent_delegate)
    .where('user_sub', user_sub === null ? 'is' : '=', user_sub)
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
function ownedBy(db: Database, agent: string, delegate: string) {
  return db.selectFrom('auth_server_grants').where('agent', '=', agent).where('agent_delegate', '=', delegate)
}
