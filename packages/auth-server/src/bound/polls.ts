import type { Store } from '@countersign/store'
import { inGroups } from '@countersign/store/internal'
import { sha256 } from '../secret/sha256.js'
import type { Tables } from '../tables/tables.js'
import { groupOf, putCounts } from './counts.js'

/** Seconds between two polls of a device; each poll that comes sooner adds as many. @see RFC 8628 §3.5 */
export const pollInterval = 5

/** How often devices poll, at all instances on one database together. */
export interface Polls {
  /** Notes a poll and tells whether it came too soon. */
  note(deviceCodeHash: string): Promise<'in time' | 'too soon'>
}

/** Counts the polls that came too soon, beside the time of the last poll. */
export function pollsIn(store: Store<Tables>, now: () => number): Polls {
  const note = inGroups<string, 'in time' | 'too soon'>({
    ...groupOf,
    run: names => store.write(tx => noteAll(tx, names, now()), { alone: 'polls' }),
  })
  return { note: hash => note(sha256(`poll ${hash}`)) }
}

async function noteAll(
  tx: Store<Tables>['db'],
  names: readonly string[],
  now: number,
): Promise<ReadonlyArray<'in time' | 'too soon'>> {
  const rows = await tx
    .selectFrom('auth_server_counts')
    .selectAll()
    .where('name', 'in', [...new Set(names)])
    .execute()
  const polls = new Map(rows.map(({ name, last, count }) => [name, { last, count }]))
  const outcomes = names.map(name => {
    const before = polls.get(name)
    // `abs`, for a clock that was set back.
    const isSoon = before !== undefined && Math.abs(now - before.last) < pollInterval * (1 + before.count)
    polls.set(name, { last: now, count: (before?.count ?? 0) + (isSoon ? 1 : 0) })
    return isSoon ? 'too soon' : 'in time'
  })
  await putCounts(
    tx,
    [...polls].map(([name, poll]) => ({ name, ...poll })),
  )
  return outcomes
}
