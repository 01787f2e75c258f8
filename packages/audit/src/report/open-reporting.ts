import type { SigningKey } from '@countersign/httpsig'
import { type OptionChecks, restriction } from '@countersign/protocol/internal'
import type { Store } from '@countersign/store'
import type { AuditAppender } from '../log/audit-log.js'
import type { Witness } from '../note/witness.js'
import { appendAuditIfUsed, checkNoAudit, type OpenAudit, openAudit } from './open-audit.js'
import { type Reporting, type ReportingParts, recorderTo, reportTo } from './report-to.js'
import type { Reporter } from './reporter.js'

/** How a participant keeps its audit log. */
export interface AuditOptions {
  /** Signs the checkpoints of the log: Ed25519, and a key that signs nothing else, so that a stolen token key cannot rewrite the log. */
  readonly key: SigningKey
  /** Days that events are kept; default: for ever. */
  readonly days?: number
  /** Cosigns the newest checkpoint, at most once a minute: `httpWitness` of `@countersign/audit`. Default: none. */
  readonly witness?: Witness
}

/** A misspelt or undefined `days` would keep events for ever. */
export const auditChecks: OptionChecks<AuditOptions> = {
  key: 'object',
  days: restriction('number'),
  witness: restriction('object'),
}

/** The reporting of a participant, with its audit log. */
export interface OpenReporting<T, E> extends Reporting<T, E> {
  /** Absent where no log is kept. */
  readonly audit: AuditAppender | undefined
}

/** What a {@link OpenReporting} is opened with. */
export interface ReportingSetup<T, E> extends Omit<ReportingParts<T, E>, 'audit' | 'forgets'> {
  /** `append`: without a key, where the database has a log. */
  readonly option: AuditOptions | 'append' | 'off' | undefined
  readonly room: string
  /** The identifier of the participant. */
  readonly id: string
  readonly onFault: (cause: unknown) => void
  /** Gets the place in the log of a record that is not as it was logged. */
  readonly onChanged: (index: number) => void
  /** The event of a start, recorded where this opens the log with its key. */
  readonly started: (publicKey: string) => Promise<E>
}

/** Records in the log that a database has, and nothing where it has none. For what is done before the server opens it, and beside it. */
export async function recordIfUsed<T, E>(
  store: Store<T>,
  { room, now, eventOf }: Pick<ReportingSetup<T, E>, 'room' | 'now' | 'eventOf'>,
): Promise<Reporter<E>['record']> {
  return recorderTo(await appendAuditIfUsed(store, { room, now }), eventOf)
}

/**
 * Opens the audit log of a participant, where its options say so, and what reports to it.
 * @throws TypeError for an unfit key; Error where the database has a log and the options say nothing of one
 */
export async function openReporting<T, E extends object>(setup: ReportingSetup<T, E>): Promise<OpenReporting<T, E>> {
  const { option, room, id, onFault, onChanged, started, ...parts } = setup
  const { store, now } = parts
  let open: OpenAudit | undefined
  if (option === undefined) await checkNoAudit(store, room)
  else if (typeof option === 'object') open = openAudit(option, { store, room, id, now, onFault, onChanged })
  const audit = option === 'append' ? await appendAuditIfUsed(store, { room, now }) : open?.log
  // A user is forgotten in a log that is not kept any more, too, once it is kept again.
  const forgets = option === 'off' ? await appendAuditIfUsed(store, { room, now }) : undefined
  const reporting = reportTo({ ...parts, audit, forgets })
  try {
    if (open !== undefined) {
      const event = await started(open.publicKey)
      await reporting.store.write(tx => reporting.report.record(tx, event))
    }
  } catch (error) {
    await open?.log.close()
    throw error
  }
  return {
    ...reporting,
    audit,
    async end() {
      await reporting.end()
      await open?.log.close()
    },
  }
}
