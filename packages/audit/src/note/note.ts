import { AuditError } from '../audit-error.js'
import { decodeBase64 } from './base64.js'

/** The most characters of a note that is read: 64 signatures and a text. */
const maxLength = 16_384
/** The most signatures that are looked at; a witness network may add some. */
const maxSignatures = 64
const dash = '\u2014 '

/** One signature line of a note. */
export interface NoteSignature {
  /** Who has signed. */
  readonly name: string
  /** Four bytes that name the key, as a number. */
  readonly keyId: number
  /** The bytes after the key id. */
  readonly bytes: Uint8Array
}

/** A text and its signatures, none of which is verified. */
export interface Note {
  /** With its last newline: what is signed. */
  readonly text: string
  readonly signatures: readonly NoteSignature[]
}

/**
 * Reads a signed note. Verifies nothing.
 * @throws AuditError `malformed`
 * @see c2sp.org/signed-note
 */
export function parseNote(note: string): Note {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: a note must have none but newlines
  if (note.length > maxLength || /[\0-\u0009\u000b-\u001f]/.test(note)) throw malformed()
  const end = note.lastIndexOf('\n\n')
  if (end < 1 || !note.endsWith('\n')) throw malformed()
  return { text: note.slice(0, end + 1), signatures: parseSignatures(note.slice(end + 2)) }
}

/**
 * Reads signature lines, as a note ends with and a witness answers with.
 * @throws AuditError `malformed`
 */
export function parseSignatures(lines: string): NoteSignature[] {
  if (lines.length > maxLength || !lines.endsWith('\n')) throw malformed()
  const each = lines.slice(0, -1).split('\n')
  if (each.length > maxSignatures) throw malformed()
  return each.map(parseSignature)
}

function parseSignature(line: string): NoteSignature {
  const [name = '', text = '', ...more] = line.slice(dash.length).split(' ')
  const bytes = decodeBase64(text)
  if (!line.startsWith(dash) || more.length > 0 || !isKeyName(name) || bytes === undefined || bytes.length < 5)
    throw malformed()
  return { name, keyId: bytes.readUInt32BE(0), bytes: bytes.subarray(4) }
}

/** The line of a signature, with its newline. */
export function serializeSignature({ name, keyId, bytes }: NoteSignature): string {
  const id = Buffer.alloc(4)
  id.writeUInt32BE(keyId)
  return `${dash}${name} ${Buffer.concat([id, bytes]).toString('base64')}\n`
}

/** Whether a text can name a key: it is not empty and has neither spaces nor a plus. */
export function isKeyName(name: string): boolean {
  return name.length > 0 && name.length <= 512 && !/[\s+\u0085\p{Z}\p{Cc}]/u.test(name)
}

function malformed(): AuditError {
  return new AuditError('malformed', 'this is not a signed note')
}
