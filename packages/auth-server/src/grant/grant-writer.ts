import { randomUUID } from 'node:crypto'
import { type Prepared, prepared, type Store } from '@countersign/store'
import type { Transaction } from '@countersign/store/internal'
import { sweepAtMost } from '../bound/sweep.js'
import type { RowsNamed, RowsOfUser } from '../revocation/end-waiting.js'
import { writeNotices } from '../revocation/notices.js'
import type { GrantRow, Tables } from '../tables/tables.js'
import { type Grant, type GrantUser, type Principal, principalIn } from './grant.js'
import { grantOf, type NewGrant, rowOf } from './grant-row.js'
import { refreshTokenLifetime } from './refresh-token.js'

// All changes of the table of grants. Each is part of its caller's transaction, so that it stands with what belongs to it, or not at all.

/** Live grants of one agent or delegate for one user, or for none. Beyond that, grants at the resource with the most end, unused for longest first. */
const mostPerPrincipal = 100
const endAtMost = 500

/** Reports a grant that ends because its owner has too many, in the transaction that ends it. */
export type OnSurplus = (tx: Transaction<Tables>, principal: Principal, grant: Grant) => Promise<void>

/**
 * Writes a grant, and ends those that are too many of its owner, in a transaction that holds the lock of {@link grantLock}; resolves with
 * how many ended. Once that is on disk, their notices can be sent.
 */
export type GrantWriter = (tx: Transaction<Tables>, added: NewGrant) => Promise<number>

/** Where grants are written. */
export interface GrantWriting {
  readonly store: Store<Tables>
  readonly now: () => number
  readonly issuer: string
  readonly onSurplus?: OnSurplus | undefined
  /** Called when notices of ended grants are on disk. */
  readonly onEnded?: (() => void) | undefined
}

/** Names the lock under which grants of one owner and user are written: each write must see those before it. */
export function grantLock({ agent, delegate }: Principal, user: GrantUser | undefined): string {
  return `grants ${JSON.stringify([agent, delegate, user?.sub])}`
}

/** Writes grants of one auth server. */
export function grantWriter({ now, issuer, onSurplus }: Omit<GrantWriting, 'store' | 'onEnded'>): GrantWriter {
  const insert = boundedInsert()
  return async (tx, added) => {
    const surplus = await insert(tx, rowOf(added))
    if (surplus.length === 0) return 0
    await writeNotices(tx, surplus, { by: 'agent', issuer, now: now() })
    for (const row of surplus) await onSurplus?.(tx, principalIn(row), grantOf(row))
    return surplus.length
  }
}

/**
 * Writes grants, and ends those over the limit of their owner and user. The count and the insert hold one lock: a burst leaves no more
 * grants than the limit, whichever instances it reaches.
 */
function boundedInsert(): (tx: Transaction<Tables>, row: GrantRow) => Promise<GrantRow[]> {
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
  return prepared((tx: Transaction<Tables>, p: GrantRow) =>
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
function insert(tx: Transaction<Tables>, p: GrantRow) {
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

/**
 * An agent that loses its refresh tokens asks anew each time; without a limit it would fill the disk. The newest grant at each
 * resource outlives the second newest at any: a resource that makes agents ask again and again cannot push out grants elsewhere.
 */
async function endOldest(tx: Transaction<Tables>, { agent, agent_delegate, user_sub }: GrantRow): Promise<GrantRow[]> {
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
function ownedBy(db: Transaction<Tables>, agent: string, delegate: string) {
  return db.selectFrom('auth_server_grants').where('agent', '=', agent).where('agent_delegate', '=', delegate)
}

/** Notes when a grant of this name was used; false where there is none. The statement runs at every refresh and is prepared once. */
export function useNote(): (
  tx: Transaction<Tables>,
  used: Pick<GrantRow, 'refresh_hash' | 'id' | 'last_used'>,
) => Promise<boolean> {
  const noteUse = prepared((tx: Transaction<Tables>, p: Pick<GrantRow, 'refresh_hash' | 'id' | 'last_used'>) =>
    tx
      .updateTable('auth_server_grants')
      .set({ last_used: p.last_used })
      .where('refresh_hash', '=', p.refresh_hash)
      .where('id', '=', p.id),
  )
  return async (tx, used) => {
    const { numAffectedRows = 0n } = await noteUse(tx, used)
    return numAffectedRows > 0n
  }
}

/** Gives a grant a new name, and narrows it where a scope or conditions are given. */
export async function renameGrant(
  tx: Transaction<Tables>,
  refresh_hash: string,
  narrowed: Partial<Pick<GrantRow, 'scope' | 'conditions'>>,
): Promise<void> {
  await tx
    .updateTable('auth_server_grants')
    .set({ id: randomUUID(), renamed: 1, ...narrowed })
    .where('refresh_hash', '=', refresh_hash)
    .execute()
}

/** Which grants are deleted: never all of them. */
type GrantsNamed =
  | RowsOfUser
  | (RowsNamed & { readonly refresh_hash: string; readonly id?: string })
  | (RowsNamed & { readonly redemption_hash: string })

/** Deletes the grants that all given columns fit; resolves with them. */
export function deleteGrants(tx: Transaction<Tables>, columns: GrantsNamed): Promise<GrantRow[]> {
  return tx
    .deleteFrom('auth_server_grants')
    .where(({ and }) => and({ ...columns }))
    .returningAll()
    .execute()
}

/** Deletes the grants among these that the columns still fit; resolves with them. */
export function deleteGrantsAmong(
  tx: Transaction<Tables>,
  hashes: readonly string[],
  columns: RowsNamed,
): Promise<GrantRow[]> {
  return tx
    .deleteFrom('auth_server_grants')
    .where('refresh_hash', 'in', hashes)
    .where(({ and }) => and({ ...columns }))
    .returningAll()
    .execute()
}

/** Deletes ended grants, a few at a time; resolves with how many. */
export async function sweepGrants(tx: Transaction<Tables>, now: number): Promise<number> {
  const ended = tx
    .selectFrom('auth_server_grants')
    .select('refresh_hash')
    .where('last_used', '<=', now - refreshTokenLifetime)
    .limit(sweepAtMost)
  const { numDeletedRows } = await tx
    .deleteFrom('auth_server_grants')
    .where('refresh_hash', 'in', ended)
    .executeTakeFirstOrThrow()
  return Number(numDeletedRows)
}
