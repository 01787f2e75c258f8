import type { Store } from '@countersign/store'
import type { AuditEvent } from '../event/event.js'
import type { AuditAppender } from '../log/audit-log.js'
import type { Reporter } from './reporter.js'
import { type Counted, type Share, sharesOf } from './shares.js'

/** A store and where its changes are reported. */
export interface Reporting<T, E> {
  /** Tells `onEvent` of what was reported within a write once that is committed. */
  readonly store: Store<T>
  readonly report: Reporter<E>
  /** Records what was counted and not recorded yet. */
  end(): Promise<void>
}

/** What a {@link Reporting} is made of. */
export interface ReportingParts<T, E> {
  readonly store: Store<T>
  /** Absent where no log is kept. */
  readonly audit: AuditAppender | undefined
  /** The log in which users are forgotten, where it is not `audit`: one that is not kept any more. */
  readonly forgets?: Pick<AuditAppender, 'forgetUser'> | undefined
  readonly onEvent: (event: E) => void
  /** The event of the log; undefined: it is not recorded. */
  readonly eventOf: (event: E) => AuditEvent | undefined
  /** In whose share an event counts that changes nothing; undefined: it is not recorded. */
  readonly shareOf: (event: E) => Share | undefined
  /** The event of refusals that were counted. */
  readonly countedEvent: (counted: Counted) => E
  readonly now: () => number
}

/** Reports the changes of a store to its audit log, in their own transactions, and to `onEvent`. */
export function reportTo<T, E extends object>(parts: ReportingParts<T, E>): Reporting<T, E> {
  const { store, audit, forgets = audit, onEvent, eventOf } = parts
  const told = new WeakMap<object, E[]>()
  const record = recorderTo(audit, eventOf)
  const reporting: Store<T> = { ...store, write: tellingWrite(store, { told, onEvent }) }
  const unchanged = audit === undefined ? undefined : recordUnchanged({ ...parts, store: reporting }, record)
  return {
    store: reporting,
    report: {
      within(tx, event) {
        // bound: events of one write; grown by the program
        const events = told.get(tx)
        if (events === undefined) throw new TypeError('an event was reported outside the write of its change')
        events.push(event)
        return record(tx, event)
      },
      async alone(event) {
        try {
          await unchanged?.take(event)
        } finally {
          onEvent(event)
        }
      },
      record,
      tell: onEvent,
      forget: forgets === undefined ? nothing : (tx, sub) => forgets.forgetUser(tx, sub),
    },
    end: async () => unchanged?.end(),
  }
}

/** Records events in a log; nothing without one. */
export function recorderTo<E>(
  audit: AuditAppender | undefined,
  eventOf: ReportingParts<unknown, E>['eventOf'],
): Reporter<E>['record'] {
  if (audit === undefined) return nothing
  return async (tx, event) => {
    const recorded = eventOf(event)
    if (recorded !== undefined) await audit.append(tx, [recorded])
  }
}

async function nothing(): Promise<void> {}

/** A change may run more than once: the events of its last run are those that are committed. */
function tellingWrite<T, E>(
  store: Store<T>,
  { told, onEvent }: { readonly told: WeakMap<object, E[]>; readonly onEvent: (event: E) => void },
): Store<T>['write'] {
  return async (change, options) => {
    let events: E[] = []
    const result = await store.write(tx => {
      events = []
      told.set(tx, events)
      return change(tx)
    }, options)
    for (const event of events) onEvent(event)
    return result
  }
}

/** Records events that change nothing, and what was too much of them as counts. */
function recordUnchanged<T, E>(
  { store, eventOf, shareOf, countedEvent, now }: ReportingParts<T, E>,
  record: Reporter<E>['record'],
): { take(event: E): Promise<void>; end(): Promise<void> } {
  const shares = sharesOf(now)
  let timer: ReturnType<typeof setTimeout> | undefined
  const writeCounts = async (which: 'ended' | 'any'): Promise<void> => {
    const counts = shares.over(which)
    if (counts.length === 0) return
    await store.write(async tx => {
      for (const counted of counts) await record(tx, countedEvent(counted))
    })
  }
  const writeLater = (): void => {
    const left = shares.left()
    if (left === undefined || timer !== undefined) return
    timer = setTimeout(
      () => {
        timer = undefined
        // A database that is away loses these counts, and no event.
        void writeCounts('ended').catch(() => undefined)
      },
      left * 1000 + 1,
    )
    timer.unref()
  }
  return {
    async take(event) {
      const who = eventOf(event) === undefined ? undefined : shareOf(event)
      if (who === undefined) return
      if (shares.take(who)) await store.write(tx => record(tx, event))
      else writeLater()
    },
    async end() {
      clearTimeout(timer)
      await writeCounts('any')
    },
  }
}
