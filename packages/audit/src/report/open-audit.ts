import type { SigningKey } from '@countersign/httpsig'
import { atMostEvery } from '@countersign/protocol/internal'
import type { Store } from '@countersign/store'
import { AuditError } from '../audit-error.js'
import {
  type AuditAppender,
  type AuditLog,
  type AuditLogOptions,
  appendAudit,
  createAuditLog,
  readAudit,
} from '../log/audit-log.js'
import { auditOrigin } from '../note/checkpoint.js'
import { checkpointSigner } from '../note/signer.js'

/** Seconds between two alarms that the log fails: it is tried each second. */
const alarmPause = 60

/** An open log, and its public key. */
export interface OpenAudit {
  readonly log: AuditLog
  readonly publicKey: string
}

/**
 * Keeps the log of a participant, and tells of its faults, and apart from them of changes in the database, once a minute at most.
 * @param o.onChanged gets the place in the log of what is not as it was logged
 * @throws TypeError for an unfit key
 */
export function openAudit<T>(
  { key, ...kept }: { readonly key: SigningKey } & Pick<AuditLogOptions<T>, 'days' | 'witness'>,
  o: Pick<AuditLogOptions<T>, 'store' | 'room' | 'onFault'> & {
    readonly onChanged: (index: number) => void
    readonly id: string
    readonly now: () => number
  },
): OpenAudit {
  const { store, room, id, now } = o
  const signer = checkpointSigner({ origin: auditOrigin(id), key })
  const [mayTell, mayTellChange] = [atMostEvery(alarmPause, now), atMostEvery(alarmPause, now)]
  const log = createAuditLog<T>({
    store,
    room,
    signer,
    now,
    ...kept,
    onFault(cause) {
      const index = changedIndex(cause)
      if (index === undefined) return mayTell() ? o.onFault(cause) : undefined
      if (mayTellChange()) o.onChanged(index)
    },
  })
  return { log, publicKey: signer.publicKey }
}

/** Where the database differs from the tree, if that is the fault. */
function changedIndex(fault: unknown): number | undefined {
  if (!(fault instanceof AuditError) || fault.code !== 'changed') return undefined
  return (fault.cause as { readonly index: number }).index
}

/**
 * Refuses to go on without the log that a database has: a configuration that has lost its option would leave a gap in it.
 * @throws Error
 */
export async function checkNoAudit<T>(store: Store<T>, room: string): Promise<void> {
  if (!(await readAudit({ store, room }).isUsed())) return
  throw new Error("the database has an audit log: configure `audit`, or set audit: 'off' to record nothing more")
}

/** Appends to the log that a database has; undefined where it has none. For tools beside the server, which gives the places. */
// unchecked options {}: all members are required, and one that is missing refuses everything
export async function appendAuditIfUsed<T>(
  store: Store<T>,
  { room, now }: { readonly room: string; readonly now: () => number },
): Promise<AuditAppender | undefined> {
  return (await readAudit({ store, room }).isUsed()) ? appendAudit({ room, now }) : undefined
}
