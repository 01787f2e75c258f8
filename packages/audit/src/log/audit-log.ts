import {
  atMostEvery,
  checkOption,
  checkOptions,
  type OptionCheck,
  type OptionChecks,
  restriction,
} from '@countersign/protocol/internal'
import type { Store } from '@countersign/store'
import { type QueryExecutorProvider, sql } from 'kysely'
import type { EventProof } from '../check/proof.js'
import type { PlacedEvent } from '../event/event.js'
import type { CheckpointSigner } from '../note/signer.js'
import type { Witness } from '../note/witness.js'
import { type AppendEvents, appenderTo } from './append.js'
import { newestCheckpoint } from './checkpoint-rows.js'
import { compareSample } from './compare-rows.js'
import { cosignNewest } from './cosign.js'
import { type AuditExport, type Exported, exportLog } from './export.js'
import { forgetNoted, noteForgotten } from './forget.js'
import type { LogContext } from './log-context.js'
import { proveEvent } from './prove.js'
import { type AuditPage, type AuditQuery, findEvent, listEvents } from './query.js'
import { removeOld } from './retain.js'
import { placeEvents } from './sequence.js'
import { signCheckpoint } from './sign.js'
import { type AuditTableNames, tablesOf } from './tables.js'

/** Reads an audit log. */
export interface AuditReader {
  /** A page of events that have a place, the newest first. */
  list(query?: AuditQuery): Promise<AuditPage>
  /** The event with this id; undefined where there is none with a place. */
  find(id: string): Promise<PlacedEvent | undefined>
  /**
   * Proves an event to the newest checkpoint, for `verifyProof`.
   * @throws AuditError `not-found`, `not-signed`
   */
  prove(id: string): Promise<EventProof>
  /** The text of the newest checkpoint; undefined before the first. */
  checkpoint(): Promise<string | undefined>
  /**
   * Writes the log into a new or empty folder, for `verifyAudit`.
   * @throws AuditError `not-empty`, `not-signed`
   */
  export(folder: string, how: AuditExport): Promise<Exported>
  /** Whether the log was ever used: it has events, those that wait for their places included. */
  isUsed(): Promise<boolean>
}

/** Appends to an audit log. */
export interface AuditAppender {
  readonly append: AppendEvents
  /**
   * Forgets a user: noted in the caller's transaction, done at the next sequencing, and for events that follow within half an hour. All
   * proofs stay valid.
   */
  forgetUser(tx: QueryExecutorProvider, sub: string): Promise<void>
}

/** An audit log that a program writes. */
export interface AuditLog extends AuditReader, AuditAppender {
  /**
   * Gives waiting events their places and signs a checkpoint, as it happens by itself every second.
   * @throws AuditError `inconsistent`
   */
  sequence(): Promise<void>
  /** Sequences a last time and stops. The store stays open. */
  close(): Promise<void>
}

/** How a log is kept. */
export interface AuditLogOptions<T> {
  /** The store whose migrations have {@link auditMigration}. */
  readonly store: Store<T>
  /** As the store was opened with. */
  readonly room: string
  readonly signer: CheckpointSigner
  /** Seconds between two sequencings; default 1. `manual`: only when {@link AuditLog.sequence} is called. */
  readonly every?: number | 'manual'
  /** Days that events are kept; default: for ever. */
  readonly days?: number
  /** Asked for each cosignature, at most once a minute. */
  readonly witness?: Witness
  /**
   * Told of what went wrong in the background; the next round tries again. Without it nobody would know that nothing is signed any more,
   * or that a record was changed in the database (AuditError `changed`, of a sample that is compared every ten seconds).
   */
  readonly onFault: (error: unknown) => void
  /** Unix seconds. */
  readonly now?: () => number
}

const isInterval: OptionCheck = (value, place) => {
  if (value !== 'manual') checkOption(value, 'number', place)
}

const checks: OptionChecks<AuditLogOptions<unknown>> = {
  store: 'object',
  room: 'string',
  signer: 'object',
  every: isInterval,
  days: 'number',
  witness: restriction('object'),
  onFault: 'function',
  now: 'function',
}

/** Seconds between two questions to the witness, and between two removals of what is old. */
const minute = 60
/** Seconds between two samples of the database that are compared with the tree. */
const samplePause = 10

/**
 * Reads the audit log of a room, for tools that have no key.
 * @param options.store whose migrations have {@link auditMigration}
 * @param options.room as the store was opened with
 */
export function readAudit<T>(options: { readonly store: Store<T>; readonly room: string }): AuditReader {
  checkOptions('readAudit', options, { store: 'object', room: 'string' }, ['store', 'room'])
  return readerOf(options.store as unknown as Store<unknown>, tablesOf(options.room))
}

/**
 * Appends to the audit log of a room without its key, for tools beside the program that keeps the log: that gives the events their places.
 * @param options.room as the store was opened with
 * @param options.now Unix seconds
 */
export function appendAudit(options: { readonly room: string; readonly now?: () => number }): AuditAppender {
  checkOptions('appendAudit', options, { room: 'string', now: 'function' }, ['room'])
  const { room, now = () => Date.now() / 1000 } = options
  const tables = tablesOf(room)
  return { append: appenderTo(room, now), forgetUser: (tx, sub) => noteForgotten(tx, tables, { sub, now: now() }) }
}

function readerOf(store: Store<unknown>, tables: AuditTableNames): AuditReader {
  return {
    list: (query = {}) => listEvents(store, tables, query),
    find: async id => (await findEvent(store, tables, id))?.event,
    prove: id => proveEvent(store, tables, id),
    checkpoint: async () => (await newestCheckpoint(store.db, tables))?.note,
    export: (folder, how) => {
      checkOptions('export', how, { personal: 'string' }, ['personal'])
      return exportLog({ store, tables }, folder, how)
    },
    isUsed: async () => (await hasWaiting(store, tables)) || (await hasRows(store, tables.tiles)),
  }
}

/**
 * Keeps an audit log in a room's database: appends in the caller's transactions, and about once a second gives events their places in a
 * Merkle tree and signs it. Several instances may do so on one database.
 * @throws TypeError for a wrong option
 * @example
 * ```ts
 * import { auditMigration, auditOrigin, checkpointSigner, createAuditLog } from '@countersign/audit'
 * import { generateSigningKey } from '@countersign/httpsig'
 * import { openStore } from '@countersign/store'
 *
 * const migrations = [auditMigration('001-audit', 'shop')]
 * const store = await openStore({ url: 'sqlite::memory:', room: 'shop', migrations })
 * const signer = checkpointSigner({ origin: auditOrigin('https://shop.example'), key: await generateSigningKey() })
 * const audit = createAuditLog({ store, room: 'shop', signer, onFault: console.error })
 * await store.write(tx => audit.append(tx, [{ type: 'ordered', user: 'ada' }]))
 * await audit.close()
 * await store.close()
 * ```
 */
export function createAuditLog<T>(options: AuditLogOptions<T>): AuditLog {
  checkOptions<AuditLogOptions<unknown>>('createAuditLog', options as unknown as AuditLogOptions<unknown>, checks, [
    'store',
    'room',
    'signer',
  ])
  const { room, signer, every = 1, days, witness, onFault, now = () => Date.now() / 1000 } = options
  if (every !== 'manual' && !(every > 0 && every <= 3600)) throw new RangeError('every must be up to 3600 seconds')
  if (days !== undefined && !(days >= 1)) throw new RangeError('days must be 1 or more')
  const store = options.store as unknown as Store<unknown>
  const tables = tablesOf(room)
  const context = { store, tables, signer, now }
  const isDue = atMostEvery(minute, now)
  const isSampleDue = atMostEvery(samplePause, now)

  async function round(): Promise<void> {
    const isEmpty = await placeWaiting(context)
    await signCheckpoint(context)
    await forgetNoted(context, { mayEnd: isEmpty })
  }
  // Beside the rounds: one that never answers stops nothing else.
  const ask = onlyOne(async () => {
    if (witness !== undefined) await cosignNewest(context, witness)
  })
  async function slowRound(): Promise<void> {
    void ask().catch(onFault)
    if (days !== undefined) await removeOld({ store, tables }, Math.floor(now() - days * 86_400))
  }
  const line = oneAtATime()
  const sequence = (): Promise<void> => line(round)
  let isClosed = false
  const background = repeat(every, async () => {
    await line(async () => {
      await round()
      if (isDue()) await slowRound()
    }).catch(onFault)
    // Also while the signer is away.
    if (!isClosed && isSampleDue()) await line(() => compareSample(context)).catch(onFault)
  })
  return {
    ...readerOf(store, tables),
    ...appendAudit({ room, now }),
    sequence,
    async close() {
      isClosed = true
      background.stop()
      await sequence().catch(onFault)
    },
  }
}

/** The most steps before a checkpoint: events that never stop coming must not keep it from being signed. */
const mostSteps = 64

/** Gives places to what waits. @returns whether nothing waits any more */
async function placeWaiting(context: LogContext): Promise<boolean> {
  if (!(await hasWaiting(context.store, context.tables))) return true
  for (let step = 0; step < mostSteps; step++) if (!(await placeEvents(context)).isMore) return true
  return false
}

const hasWaiting = (store: Store<unknown>, { waiting }: AuditTableNames): Promise<boolean> => hasRows(store, waiting)

async function hasRows({ db }: Store<unknown>, table: string): Promise<boolean> {
  const { rows } = await sql`select 1 as one from ${sql.table(table)} limit 1`.execute(db)
  return rows.length > 0
}

/** Runs work unless it is running already. */
function onlyOne(work: () => Promise<void>): () => Promise<void> {
  let running: Promise<void> | undefined
  return () =>
    (running ??= work().finally(() => {
      running = undefined
    }))
}

/** Runs work one after another. */
function oneAtATime(): (work: () => Promise<void>) => Promise<void> {
  let last: Promise<unknown> = Promise.resolve()
  return work => {
    const own = last.then(work)
    last = own.catch(() => undefined)
    return own
  }
}

/** Repeats work, each time so many seconds after it was done. It keeps no process alive. */
function repeat(every: number | 'manual', work: () => Promise<void>): { stop(): void } {
  if (every === 'manual') return { stop: () => undefined }
  let hasStopped = false
  let timer: ReturnType<typeof setTimeout>
  const next = (): void => {
    timer = setTimeout(() => {
      void work().finally(() => {
        if (!hasStopped) next()
      })
    }, every * 1000)
    timer.unref()
  }
  next()
  return {
    stop() {
      hasStopped = true
      clearTimeout(timer)
    },
  }
}
