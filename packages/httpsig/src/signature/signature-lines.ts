import { signatureLimits } from '../component/signature-input.js'
import { type DictionaryMember, parseMembers } from '../component/structured-field.js'
import { type HttpSigError, refusal } from '../error.js'
import { headerValues, type ReceivedMessage, trimOws } from '../message/received-message.js'

const printable = /^[\x20-\x7e]+$/
// Whitespace around the commas of a Dictionary may be a tab.
const printableOrTab = /^[\t\x20-\x7e]+$/

function linesOf(message: ReceivedMessage, name: string): string[] {
  const lines = headerValues(message, name)
  if (lines.length === 0) throw refusal('signature_header_missing', { cause: { header: name } })
  return lines
}

function unreadable(header: string): HttpSigError {
  return refusal('signature_header_malformed', {
    about: 'it is empty or has characters outside printable ASCII',
    cause: { header },
  })
}

/** The only line of a header. @throws HttpSigError for no line, two lines, or characters that two decoders read differently */
export function onlyLine(message: ReceivedMessage, name: string): string {
  const lines = linesOf(message, name)
  if (lines.length > 1) throw refusal('signature_header_repeated', { cause: { header: name } })
  const line = trimOws(lines[0] ?? '')
  if (!printable.test(line)) throw unreadable(name)
  return line
}

/** All lines of a header, joined. @throws HttpSigError for no line, or characters that two decoders read differently */
export function joinedLines(message: ReceivedMessage, name: string): string {
  const lines = linesOf(message, name)
  const text = lines.length === 1 ? trimOws(lines[0] ?? '') : lines.map(trimOws).join(', ')
  if (!printableOrTab.test(text)) throw unreadable(name)
  return text
}

/**
 * Whether a message is signed in this protocol, or may have been: it has a `Signature-Key`, a signature without `tag`, or signature
 * headers that cannot be read. Such a message is verified in full or refused, so that a lost header does not make a request anonymous.
 * Signatures with a `tag` are those of other protocols, such as Web Bot Auth; a message with no others is unsigned here.
 * @see protocol §3.1
 */
export function isSigned(message: ReceivedMessage): boolean {
  let has = false
  for (const [name] of message.headers) {
    const { length } = name
    if (length !== 9 && length !== 13 && length !== 15) continue
    const lower = name.toLowerCase()
    if (lower === 'signature-key') return true
    if (lower === 'signature' || lower === 'signature-input') has = true
  }
  return has && !isTaggedThroughout(message)
}

/** Whether each signature has a `tag`. */
function isTaggedThroughout(message: ReceivedMessage): boolean {
  const inputs = membersOf(message, 'signature-input')
  if (inputs === undefined) return false
  for (const { member } of inputs.values()) if (!isTag(member[1].get('tag'))) return false
  if (headerValues(message, 'signature').length === 0) return true
  const signatures = membersOf(message, 'signature')
  return signatures !== undefined && [...signatures.keys()].every(label => inputs.has(label))
}

function isTag(value: unknown): boolean {
  return typeof value === 'string' && value !== ''
}

function membersOf(message: ReceivedMessage, name: string): ReadonlyMap<string, DictionaryMember> | undefined {
  try {
    return parseMembers(name, joinedLines(message, name), signatureLimits)
  } catch {
    return undefined
  }
}
