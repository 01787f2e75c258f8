import type { AuditAppender, AuditOptions } from '@countersign/audit'
import {
  appendAuditIfUsed,
  openReporting,
  type Reporter,
  type Reporting,
  type ReportingParts,
  reportTo,
} from '@countersign/audit/internal'
import { thumbprint } from '@countersign/httpsig'
import type { EpochKeeper, Store } from '@countersign/store'
import type { KnownKeys, OwnKeys } from '@countersign/store/internal'
import { type DatabaseEpoch, openDatabaseEpoch, withEpoch } from './database-epoch.js'
import type { IssuerEvent } from './issuer-event.js'
import type { IssuerKind } from './kind.js'
import { type IssuerKeys, openKeys, takeOver } from './own-keys.js'

/** What a database is opened with beside a server. */
export interface BesideOptions<E> {
  readonly epoch: EpochKeeper | undefined
  /** Unix seconds. */
  readonly now: () => number
  readonly onEvent: (event: E | IssuerEvent) => void
}

/** What a server is opened with. */
export interface IssuerOptions<E> extends BesideOptions<E> {
  /** The identifier of the server. */
  readonly id: string
  readonly keys: IssuerKeys
  readonly knownKeys: KnownKeys
  readonly audit: AuditOptions | 'append' | 'off' | undefined
}

/** A database, and where its changes are reported. */
export interface Beside<T, E> {
  /** Tells `onEvent` of what was reported within a write once that is committed. */
  readonly store: Store<T>
  readonly report: Reporter<E | IssuerEvent>
  /** Absent where the database has no audit log. */
  readonly audit: AuditAppender | undefined
  close(): Promise<void>
}

/** A server that signs tokens: its database, its audit log and its own keys. */
export interface Issuer<T, E> extends Beside<T, E> {
  readonly keys: OwnKeys
  /** Whether the database went back in time while the server runs. */
  isBehind(): boolean
  /** Takes over the epoch marks of other instances. */
  see(): Promise<void>
  /** Resolves when the database can be used. Rejects while it does not answer, and once it went back in time. */
  ready(): Promise<void>
}

/**
 * Opens a server on its database: known keys, epoch, audit log, own keys. Closes all of it, the database too, where one of them fails.
 * @throws Error when the database was used with other keys, or has an audit log that the options do not name
 * @throws TypeError, RangeError for unfit keys; StoreError `restored` when the database is behind `epoch`
 */
// unchecked options o: only the two servers and the console call it, and TypeScript checks them
export function openIssuer<T, E extends object>(
  database: Store<T>,
  kind: IssuerKind<E>,
  o: IssuerOptions<E>,
): Promise<Issuer<T, E>> {
  return closedOnFailure(database, async opened => {
    await takeOver(database, kind, o)
    const kept = await openKept(database, kind, o)
    // bound: what a server opens: its database, epoch and audit log; grown by the program
    opened.push(kept.close)
    const { onEvent } = kept
    const reporting = await openReporting<T, E | IssuerEvent>({
      ...partsOf(database, kind, { onEvent, now: o.now }),
      option: o.audit,
      room: kind.room,
      id: o.id,
      onFault: cause => onEvent({ type: 'alarm', reason: 'audit-failing', cause }),
      onChanged: index => onEvent({ type: 'alarm', reason: 'audit-changed', index }),
      started: async audit_key => ({ type: 'started', keys: await namesOf(o.keys), audit_key }),
    })
    opened.push(() => reporting.end())
    await reportLost(reporting, kept)
    const keys = await openKeys(reporting, kind, o)
    const { epoch } = kept
    const { store, report, audit } = reporting
    return {
      store,
      report,
      audit,
      keys,
      isBehind: () => epoch?.isBehind() === true,
      see: async () => epoch?.see(),
      async ready() {
        await epoch?.see()
        epoch?.check()
        await store.check()
      },
      close: () => closeAll(opened),
    }
  })
}

/**
 * Opens the database of a server for a tool beside it: epoch, and the audit log if the database has one. Closes all of it where that fails.
 * @throws StoreError `restored` when the database is behind `epoch`
 */
// unchecked options o: only the two servers and the console call it, and TypeScript checks them
export function openBeside<T, E extends object>(
  database: Store<T>,
  kind: IssuerKind<E>,
  o: BesideOptions<E>,
): Promise<Beside<T, E>> {
  return closedOnFailure(database, async opened => {
    const { now } = o
    const kept = await openKept(database, kind, o)
    // bound: what a server opens: its database, epoch and audit log; grown by the program
    opened.push(kept.close)
    const audit = await appendAuditIfUsed(database, { room: kind.room, now })
    const reporting = reportTo({ ...partsOf(database, kind, { onEvent: kept.onEvent, now }), audit })
    await reportLost(reporting, kept)
    const { store, report } = reporting
    return { store, report, audit, close: () => closeAll(opened) }
  })
}

/** What was opened, in order: the functions that close it. */
type Opened = Array<() => Promise<unknown>>

async function closedOnFailure<T, R>(database: Store<T>, open: (opened: Opened) => Promise<R>): Promise<R> {
  const opened: Opened = [() => database.close()]
  try {
    return await open(opened)
  } catch (thrown) {
    await closeAll(opened)
    throw thrown
  }
}

async function closeAll(opened: Opened): Promise<void> {
  for (const close of opened.reverse()) await close()
}

interface Kept<E> extends DatabaseEpoch {
  readonly onEvent: BesideOptions<E>['onEvent']
  close(): Promise<void>
}

async function openKept<T, E>(database: Store<T>, kind: IssuerKind<E>, o: BesideOptions<E>): Promise<Kept<E>> {
  const kept = await openDatabaseEpoch(database, kind.room, o)
  const { epoch } = kept
  return { ...kept, onEvent: withEpoch(o.onEvent, epoch, kind), close: async () => epoch?.close() }
}

function partsOf<T, E>(
  store: Store<T>,
  { eventOf, shareOf, countedEvent }: IssuerKind<E>,
  o: Pick<BesideOptions<E>, 'onEvent' | 'now'>,
): Omit<ReportingParts<T, E | IssuerEvent>, 'audit'> {
  return { store, eventOf, shareOf, countedEvent, ...o }
}

/** The mark is written anew already: only this event says that a restore before it would have gone unnoticed. */
async function reportLost<T, E>(
  { store, report }: Pick<Reporting<T, E | IssuerEvent>, 'store' | 'report'>,
  { wasLost }: DatabaseEpoch,
): Promise<void> {
  if (wasLost) await store.write(tx => report.within(tx, { type: 'alarm', reason: 'epoch-lost' }))
}

function namesOf(keys: IssuerKeys): Promise<string[]> {
  const given = 'rotateEvery' in keys ? (keys.before ?? []) : keys
  return Promise.all(given.map(({ key }) => thumbprint(key.publicJwk)))
}
