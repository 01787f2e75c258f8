import { checkOptions, parseJson } from '@countersign/protocol/internal'
import { AuditError } from '../audit-error.js'
import type { PlacedEvent } from '../event/event.js'
import { readRecord } from '../event/leaf.js'
import { decodeBase64 } from '../note/base64.js'
import { verifyCheckpoint } from '../note/verifier-key.js'
import { hashBytes, leafHash } from '../tree/hash.js'
import { verifyInclusion } from '../tree/verify-proof.js'

/** The form of a proof. */
const format = 'countersign-audit-proof/1'
/** The longest text of a proof that is read. */
const maxLength = 131_072
/** The most hashes of a proof: a tree is no higher. */
const maxHashes = 53

/** A proof that an event stands in a log: one JSON file. */
export interface EventProof {
  readonly format: 'countersign-audit-proof/1'
  /** Place of the event, from 0. */
  readonly index: number
  /** The record of the event, as text: hashed as it stands. */
  readonly record: string
  /** Base64, from below. */
  readonly hashes: readonly string[]
  /** The signed checkpoint. */
  readonly checkpoint: string
}

/** Makes the file of a proof. */
export function eventProof(proof: {
  readonly index: number
  readonly record: string
  readonly hashes: readonly Uint8Array[]
  readonly checkpoint: string
}): EventProof {
  const hashes = proof.hashes.map(hash => Buffer.from(hash).toString('base64'))
  return { format, index: proof.index, record: proof.record, hashes, checkpoint: proof.checkpoint }
}

/** What a proof shows. */
export interface ProvenEvent {
  readonly event: PlacedEvent
  /** Leaves of the log at the checkpoint. */
  readonly size: number
}

/**
 * Verifies offline that an event stands in a log.
 * @param options.proof the text of the file
 * @param options.publicKey of the log, `NAME+KEYID+BASE64`
 * @throws AuditError `malformed`, `origin`, `signature`, `proof`
 * @example
 * ```ts
 * import { readFile } from 'node:fs/promises'
 * import { verifyProof } from '@countersign/audit'
 *
 * const proof = await readFile('proof.json', 'utf8')
 * const publicKey = 'auth.example+3f4a…'
 * console.log(verifyProof({ proof, publicKey }).event.type)
 * ```
 */
export function verifyProof(options: { readonly proof: string; readonly publicKey: string }): ProvenEvent {
  checkOptions('verifyProof', options, { proof: 'string', publicKey: 'string' }, ['proof', 'publicKey'])
  const { index, record, hashes, checkpoint } = parseProof(options.proof)
  const { size, root } = verifyCheckpoint(checkpoint, options.publicKey)
  const { event, leaf } = readRecord(record)
  if (!verifyInclusion({ index, size, leaf: leafHash(leaf), hashes, root }))
    throw new AuditError('proof', 'the proof does not lead to the root of its checkpoint')
  return { event: { index, ...event }, size }
}

function parseProof(text: string) {
  const { index, record, hashes, checkpoint, ...rest } = objectIn(text)
  const isForm =
    rest['format'] === format && typeof record === 'string' && typeof checkpoint === 'string' && Array.isArray(hashes)
  if (!isForm || typeof index !== 'number' || hashes.length > maxHashes || Object.keys(rest).length > 1)
    throw malformed()
  return { index, record, checkpoint, hashes: hashes.map(hashIn) }
}

function objectIn(text: string): Partial<Record<string, unknown>> {
  let value: unknown
  try {
    value = parseJson(text, { maxBytes: maxLength, maxDepth: 4 })
  } catch {
    throw malformed()
  }
  if (typeof value !== 'object' || value === null) throw malformed()
  return value as Partial<Record<string, unknown>>
}

function hashIn(text: unknown): Uint8Array {
  const hash = typeof text === 'string' && text.length === 44 ? decodeBase64(text) : undefined
  if (hash?.length !== hashBytes) throw malformed()
  return hash
}

function malformed(): AuditError {
  return new AuditError('malformed', 'this is not a proof of an audit log')
}
