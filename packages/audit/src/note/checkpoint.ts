import { AuditError } from '../audit-error.js'
import { hashBytes } from '../tree/hash.js'
import { decodeBase64 } from './base64.js'
import { parseNote } from './note.js'

/** The head of a log at one size. */
export interface CheckpointHead {
  /** Names the log. */
  readonly origin: string
  /** Leaves of the tree. */
  readonly size: number
  /** The root of the tree, 32 bytes. */
  readonly root: Uint8Array
}

/** The text that is signed. */
export function checkpointText({ origin, size, root }: CheckpointHead): string {
  return `${origin}\n${size}\n${Buffer.from(root).toString('base64')}\n`
}

/**
 * Reads a checkpoint without verifying its signatures: {@link verifyCheckpoint} does both.
 * @throws AuditError `malformed`
 * @see c2sp.org/tlog-checkpoint
 */
export function parseCheckpoint(note: string): CheckpointHead {
  const [origin = '', size = '', root = '', ...more] = parseNote(note).text.split('\n')
  const hash = decodeBase64(root)
  // Lines of an extension would be signed without being checked by anyone; this log has none.
  const isForm = origin !== '' && /^(?:0|[1-9]\d{0,15})$/.test(size) && more.length === 1 && more[0] === ''
  if (!isForm || !Number.isSafeInteger(Number(size)) || hash?.length !== hashBytes)
    throw new AuditError('malformed', 'this is not a checkpoint of a log')
  return { origin, size: Number(size), root: hash }
}

/**
 * The origin of a participant's log: its identifier without the scheme.
 * @throws TypeError for a text that is no http(s) identifier
 * @example
 * ```ts
 * import { auditOrigin } from '@countersign/audit'
 *
 * console.log(auditOrigin('https://auth.example')) // auth.example
 * ```
 */
export function auditOrigin(identifier: string): string {
  const [, origin] = /^https?:\/\/([^\s+?#]{1,500}?)\/?$/.exec(identifier) ?? []
  if (origin === undefined) throw new TypeError('the identifier of a log must be an http(s) URL')
  return origin
}
