import { clockTolerance } from '@countersign/protocol/internal'
import type { Store } from '@countersign/store'
import { inGroups, type Transaction } from '@countersign/store/internal'
import { sha256 } from '../secret/sha256.js'
import type { CountRow, Tables } from '../tables/tables.js'
import { sweepAtMost } from './sweep.js'

/** A count that an act is charged to. */
export interface Charge {
  /** Names the count, unique among all kinds of counts. */
  readonly name: string
  /** The limit. */
  readonly most: number
}

/** Counts that all instances on one database share. */
export interface Counts {
  /** Counts one act on all of its charges, or on none: false when one of them is used up. */
  take(charges: readonly Charge[]): Promise<boolean>
  /** Takes one act off its charges again. */
  giveBack(charges: readonly Charge[]): Promise<void>
}

/** Seconds from the last counted act after which a count begins anew. */
export const countLifetime = 600

/** Acts that share one transaction, and acts that wait for theirs. */
export const groupOf: { readonly most: number; readonly capacity: number } = { most: 64, capacity: 1000 }

/**
 * Counts before the counted act begins: of a burst that comes at once, no more than `most` pass, whichever instances it reaches.
 */
export function countsIn(store: Store<Tables>, now: () => number): Counts {
  const take = inGroups<readonly Charge[], boolean>({
    ...groupOf,
    run: acts => store.write(tx => takeAll(tx, acts, now()), { alone: 'counts' }),
  })
  return {
    take: charges => take(charges.map(({ name, most }) => ({ name: hashOf(name), most }))),
    async giveBack(charges) {
      const names = charges.map(({ name }) => hashOf(name))
      await store.write(
        tx =>
          tx
            .updateTable('auth_server_counts')
            .set(({ eb }) => ({ count: eb('count', '-', 1) }))
            .where('name', 'in', names)
            .where('count', '>', 0)
            .execute(),
        { alone: 'counts' },
      )
    },
  }
}

async function takeAll(
  tx: Transaction<Tables>,
  acts: ReadonlyArray<readonly Charge[]>,
  now: number,
): Promise<readonly boolean[]> {
  const names = [...new Set(acts.flat().map(({ name }) => name))]
  const rows = await tx.selectFrom('auth_server_counts').selectAll().where('name', 'in', names).execute()
  // `abs`, for a clock that was set back: a count must not hold longer than its lifetime.
  const live = rows.filter(({ last }) => Math.abs(now - last) < countLifetime)
  const counts = new Map(live.map(({ name, count }) => [name, count]))
  const changed = new Set<string>()
  const outcomes = acts.map(charges => {
    if (charges.some(({ name, most }) => (counts.get(name) ?? 0) >= most)) return false
    for (const { name } of charges) {
      counts.set(name, (counts.get(name) ?? 0) + 1)
      changed.add(name)
    }
    return true
  })
  if (changed.size > 0) {
    await putCounts(
      tx,
      [...changed].map(name => ({ name, count: counts.get(name) ?? 0, last: now })),
    )
  }
  return outcomes
}

/** Writes counts over those of the same names. */
export async function putCounts(tx: Transaction<Tables>, rows: readonly CountRow[]): Promise<void> {
  await tx
    .insertInto('auth_server_counts')
    .values(rows)
    .onConflict(on =>
      on.column('name').doUpdateSet(({ ref }) => ({ count: ref('excluded.count'), last: ref('excluded.last') })),
    )
    .execute()
}

/** Deletes counts that have ended by the clock of every instance, a few at a time; resolves with how many. */
export async function sweepCounts(tx: Transaction<Tables>, now: number): Promise<number> {
  const ended = tx
    .selectFrom('auth_server_counts')
    .select('name')
    .where('last', '<=', now - countLifetime - clockTolerance)
    .limit(sweepAtMost)
  const { numDeletedRows } = await tx
    .deleteFrom('auth_server_counts')
    .where('name', 'in', ended)
    // A count may have begun anew meanwhile.
    .where('last', '<=', now - countLifetime - clockTolerance)
    .executeTakeFirstOrThrow()
  return Number(numDeletedRows)
}

/** Only hashes of sessions, users and networks are stored: a thief of the database must not learn who typed codes. */
function hashOf(name: string): string {
  return sha256(name)
}
