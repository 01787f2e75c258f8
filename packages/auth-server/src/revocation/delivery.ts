import type { Store } from '@countersign/store'
import type { Expression, ExpressionBuilder, SqlBool } from '@countersign/store/internal'
import type { NoticeRow } from '../tables/revocation-tables.js'
import type { Tables } from '../tables/tables.js'
import { longestTokenLife } from './notices.js'
import type { NoticeAnswer, SendNotice } from './send-notice.js'

/** Deliveries at the same time, in all and to one site: a site that hangs must not hold up the others (REV-21). */
const mostAtOnce = 64
const mostOfSite = 4
/** Notices that one look reads. */
const mostRead = 100
/** Seconds until another instance takes a delivery over that this one has begun. */
const claim = 20
/** Seconds between two tries: doubled from the first to the last. */
const firstPause = 1
const longestPause = 60
/** Milliseconds between two looks while notices wait, and while none does: another process may have written some. */
const lookPause = 1000
const idlePause = 5000

/** Delivers notices until each is told or has expired. */
export interface Delivery {
  /** Looks for notices now: a transaction has written some. */
  poke(): void
  /** Resolves when nothing is under way. */
  settled(): Promise<void>
  /** Begins no more deliveries, and resolves when those under way are done. */
  end(): Promise<void>
}

/** What a delivery works with. */
export interface DeliveryContext {
  readonly store: Store<Tables>
  readonly send: SendNotice
  readonly now: () => number
  /** Records, in the transaction that notes it, what became of a notice at last. */
  readonly record?: (tx: Store<Tables>['db'], notice: NoticeRow, answer: NoticeAnswer) => Promise<void>
  /** Told of each notice that has an outcome, and of the first try that failed. */
  readonly onOutcome: (notice: NoticeRow, answer: NoticeAnswer) => void
}

/**
 * Delivers the notices of a database, also those that another process has written or left behind.
 * @see protocol §6.6
 */
export function createDelivery(context: DeliveryContext): Delivery {
  const { store, now } = context
  const write = outcomeWriter(context)
  // bound: 64 deliveries of 5 seconds; bytes: 64 × 4 KiB; grown by a stranger; shared: 4 of a site; filled by
  // delivery.test.ts "resources of one site that hang hold up no other"
  const active = new Map<string, { readonly site: string; readonly done: Promise<void> }>()
  let looking: Promise<void> = Promise.resolve()
  let isWanted = false
  let hasEnded = false

  const look = async (): Promise<void> => {
    while (isWanted && !hasEnded) {
      isWanted = false
      // Again without the sites that have all their places: a site with many notices must not hide those of others.
      while (active.size < mostAtOnce && !hasEnded) {
        const notices = await dueNotices(store, { now: now(), full: fullSites(active) })
        const next = withPlaces(
          notices.filter(({ id }) => !active.has(id)),
          active,
        )
        if (next.length === 0) break
        for (const notice of await claimNotices(store, next, now())) begin(notice)
      }
    }
  }
  const poke = (): void => {
    if (hasEnded || isWanted) return
    isWanted = true
    // An unreachable database is reported by the requests that need it; the next look continues.
    looking = looking
      .then(look)
      .then(isWaiting)
      .catch(() => true)
      .then(timer.again)
  }
  const isWaiting = (): Promise<boolean> => (hasEnded ? Promise.resolve(false) : anyWaiting(store, now()))
  const timer = lookTimer(poke)

  const begin = (notice: NoticeRow): void => {
    const done = deliver(notice, context, write)
      .catch(() => undefined)
      .finally(() => {
        active.delete(notice.id)
        // Its place is free for the next one.
        poke()
      })
    active.set(notice.id, { site: notice.site, done })
  }
  const settled = async (): Promise<void> => {
    let seen: Promise<void> | undefined
    // A delivery that is done causes another look.
    while (seen !== looking || active.size > 0) {
      seen = looking
      await seen
      await Promise.all([...active.values()].map(({ done }) => done))
    }
  }
  return {
    poke,
    settled,
    end() {
      hasEnded = true
      timer.end()
      return settled()
    },
  }
}

/** Looks again a while after each look. */
function lookTimer(look: () => void): { again(soon: boolean): void; end(): void } {
  let hasEnded = false
  let timer = setTimeout(look, lookPause).unref()
  return {
    again(soon) {
      clearTimeout(timer)
      if (!hasEnded) timer = setTimeout(look, soon ? lookPause : idlePause).unref()
    },
    end() {
      hasEnded = true
      clearTimeout(timer)
    },
  }
}

type Active = ReadonlyMap<string, { readonly site: string }>

function countOf(active: Active, site: string): number {
  return [...active.values()].filter(other => other.site === site).length
}

/** Those of these notices that there are places for, in their order. */
function withPlaces(notices: readonly NoticeRow[], active: Active): NoticeRow[] {
  const chosen: NoticeRow[] = []
  for (const notice of notices) {
    if (active.size + chosen.length === mostAtOnce) break
    const { site } = notice
    const ofSite = countOf(active, site) + chosen.filter(other => other.site === site).length
    if (ofSite < mostOfSite) chosen.push(notice)
  }
  return chosen
}

function fullSites(active: Active): string[] {
  // bound: the sites of the deliveries under way; bytes: small; grown by a stranger; shared: as the deliveries; filled
  // by delivery.test.ts "resources of one site that hang hold up no other"
  const sites = new Set([...active.values()].map(({ site }) => site))
  return [...sites].filter(site => countOf(active, site) >= mostOfSite)
}

/**
 * An urgent notice waits for {@link longestPause} at most. One that is due later was written, claimed or put off by an instance whose
 * clock is ahead: without this it would hold back the ends of grants for as long as its clock is off (F-83).
 */
function isDue(now: number): (of: ExpressionBuilder<Tables, 'auth_server_notices'>) => Expression<SqlBool> {
  return ({ or, and, eb }) =>
    or([eb('due', '<=', now), and([eb('urgency', '=', 0), eb('due', '>', now + longestPause)])])
}

/** Notices that are due, urgent ones first, without those of sites that have all their places. */
function dueNotices(
  store: Store<Tables>,
  { now, full }: { readonly now: number; readonly full: readonly string[] },
): Promise<NoticeRow[]> {
  const due = store.db
    .selectFrom('auth_server_notices')
    .selectAll()
    .where('outcome', '=', 'waiting')
    .where(isDue(now))
    .where('exp', '>', now)
    .orderBy('urgency')
    .orderBy('due')
    .limit(mostRead)
  return (full.length === 0 ? due : due.where('site', 'not in', full)).execute()
}

async function anyWaiting(store: Store<Tables>, now: number): Promise<boolean> {
  const row = await store.db
    .selectFrom('auth_server_notices')
    .select('id')
    .where('outcome', '=', 'waiting')
    .where('exp', '>', now)
    .limit(1)
    .executeTakeFirst()
  return row !== undefined
}

async function deliver(
  notice: NoticeRow,
  { send, onOutcome, now }: DeliveryContext,
  write: (outcome: Outcome) => Promise<void>,
): Promise<void> {
  // Where it was written by a clock that is ahead, a resource would refuse the time as too far off, until it is not.
  const answer = await send({ ...notice, exp: Math.min(notice.exp, Math.ceil(now()) + longestTokenLife) })
  await write({ notice, answer })
  if (answer.outcome !== 'failed' || notice.failures === 0) onOutcome(notice, answer)
}

/** Of several instances one delivers a notice; where that one dies, another takes it over. Resolves with those that are this one's. */
async function claimNotices(
  store: Store<Tables>,
  notices: readonly NoticeRow[],
  now: number,
): Promise<readonly NoticeRow[]> {
  const ids = notices.map(({ id }) => id)
  const claimed = await store.write(tx =>
    tx
      .updateTable('auth_server_notices')
      .set({ due: now + claim })
      .where('id', 'in', ids)
      .where(isDue(now))
      .where('outcome', '=', 'waiting')
      .returning('id')
      .execute(),
  )
  const own = new Set(claimed.map(({ id }) => id))
  return notices.filter(({ id }) => own.has(id))
}

/** What became of a delivery. */
interface Outcome {
  readonly notice: NoticeRow
  readonly answer: NoticeAnswer
}

/** Writes outcomes; those that come while others are written go together in the next transaction. */
function outcomeWriter({ store, now, record }: DeliveryContext): (outcome: Outcome) => Promise<void> {
  let last: Promise<unknown> = Promise.resolve()
  let next: { readonly outcomes: Outcome[]; readonly done: Promise<void> } | undefined
  const begin = (): { readonly outcomes: Outcome[]; readonly done: Promise<void> } => {
    const outcomes: Outcome[] = []
    const written = last.then(() => {
      next = undefined
      return writeOutcomes(outcomes, { store, record, at: now() })
    })
    last = written.catch(() => undefined)
    return { outcomes, done: written }
  }
  return outcome => {
    next ??= begin()
    // bound: 64, one for each delivery under way; bytes: 64 × one row; grown by a stranger; shared: four of one site;
    // filled by delivery.test.ts "resources of one site that hang"
    next.outcomes.push(outcome)
    return next.done
  }
}

/** Equal outcomes in one statement. */
async function writeOutcomes(
  outcomes: readonly Outcome[],
  {
    store,
    record,
    at,
  }: { readonly store: Store<Tables>; readonly record: DeliveryContext['record'] | undefined; readonly at: number },
): Promise<void> {
  // bound: one call
  const changes = new Map<string, { readonly change: Partial<NoticeRow>; readonly ids: string[] }>()
  for (const { notice, answer } of outcomes) {
    const change = changeOf(notice, answer, at)
    const key = JSON.stringify(change)
    const known = changes.get(key) ?? { change, ids: [] }
    // bound: one call
    known.ids.push(notice.id)
    changes.set(key, known)
  }
  await store.write(async tx => {
    for (const { change, ids } of changes.values())
      await tx.updateTable('auth_server_notices').set(change).where('id', 'in', ids).execute()
    for (const { notice, answer } of outcomes) if (answer.outcome !== 'failed') await record?.(tx, notice, answer)
  })
}

function changeOf({ failures }: NoticeRow, { outcome, status }: NoticeAnswer, at: number): Partial<NoticeRow> {
  if (outcome !== 'failed') return { outcome, status, ended: at }
  return { due: at + Math.min(firstPause * 2 ** failures, longestPause), failures: failures + 1, status }
}
