import { createPublicKey, hash, type KeyObject, verify } from 'node:crypto'
import { AuditError } from '../audit-error.js'
import { decodeBase64 } from './base64.js'
import { type CheckpointHead, parseCheckpoint } from './checkpoint.js'
import { isKeyName, type NoteSignature, parseNote } from './note.js'

/** Signature types of signed notes. */
export const noteType = { ed25519: 1, cosignature: 4 } as const

/** A public key with the name under which it signs notes. */
export interface VerifierKey {
  readonly name: string
  readonly keyId: number
  readonly type: 'ed25519' | 'cosignature'
  /** Whether the key has signed these bytes. */
  verifies(data: string, signature: Uint8Array): boolean
}

/** The first four bytes of the hash of a name, a type and a public key. */
export function keyIdOf(name: string, type: number, publicKey: Uint8Array): number {
  return hash('sha256', Buffer.concat([Buffer.from(`${name}\n`), Buffer.of(type), publicKey]), 'buffer').readUInt32BE(0)
}

/** The text form of a public key: `NAME+KEYID+BASE64`. */
export function serializeVerifierKey(name: string, type: number, publicKey: Uint8Array): string {
  const id = keyIdOf(name, type, publicKey).toString(16).padStart(8, '0')
  return `${name}+${id}+${Buffer.concat([Buffer.of(type), publicKey]).toString('base64')}`
}

/**
 * Reads a public key of a log or a witness: `NAME+KEYID+BASE64`.
 * @throws AuditError `malformed`
 * @see c2sp.org/signed-note
 */
export function parseVerifierKey(text: string): VerifierKey {
  const [, name = '', id = '', encoded = ''] = /^([^+\s]{1,512})\+([0-9a-f]{8})\+([A-Za-z0-9+/=]{44})$/.exec(text) ?? []
  const bytes = decodeBase64(encoded)
  const type = bytes?.[0] === noteType.ed25519 ? 'ed25519' : bytes?.[0] === noteType.cosignature ? 'cosignature' : ''
  if (bytes?.length !== 33 || type === '' || !isKeyName(name)) throw malformed()
  const raw = bytes.subarray(1)
  const keyId = keyIdOf(name, noteType[type], raw)
  if (keyId !== Number.parseInt(id, 16)) throw malformed()
  const key = publicKeyOf(raw)
  return { name, keyId, type, verifies: (data, signature) => verify(null, Buffer.from(data), key, signature) }
}

function publicKeyOf(raw: Uint8Array): KeyObject {
  try {
    const x = Buffer.from(raw).toString('base64url')
    return createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' })
  } catch (cause) {
    throw new AuditError('malformed', 'this is not a public key of a log', { cause })
  }
}

function malformed(): AuditError {
  return new AuditError('malformed', 'this is not a public key of a log')
}

/** The signature of a key among those of a note. */
export function signatureOf(signatures: readonly NoteSignature[], key: VerifierKey): NoteSignature | undefined {
  return signatures.find(({ name, keyId }) => name === key.name && keyId === key.keyId)
}

/**
 * Reads a checkpoint and verifies the log's signature.
 * @param note the whole text of the checkpoint
 * @param publicKey of the log, `NAME+KEYID+BASE64`
 * @returns the head of the log
 * @throws AuditError `malformed`, `origin` for another log, `signature`
 */
export function verifyCheckpoint(note: string, publicKey: string): CheckpointHead {
  return verifyCheckpointBy(note, parseVerifierKey(publicKey))
}

/** As {@link verifyCheckpoint}, with a key that is parsed once for many checkpoints. */
export function verifyCheckpointBy(note: string, key: VerifierKey): CheckpointHead {
  const head = parseCheckpoint(note)
  // Another log's checkpoint, under the same key, is no checkpoint of this one.
  if (head.origin !== key.name) throw new AuditError('origin', 'the checkpoint is of another log')
  const { text, signatures } = parseNote(note)
  const signature = signatureOf(signatures, key)
  if (key.type !== 'ed25519' || signature === undefined || !key.verifies(text, signature.bytes))
    throw new AuditError('signature', 'the checkpoint has no valid signature of this key')
  return head
}
