import { base64urlDecode } from '#base64url'
import { shownValue } from '../component/shown.js'
import { parseSignatureInput, type SignatureInput, signatureLimits } from '../component/signature-input.js'
import { type DictionaryMember, parseMembers } from '../component/structured-field.js'
import { HttpSigError } from '../error.js'
import { headerValues, type ReceivedMessage, trimOws } from '../message/received-message.js'
import { type ParsedSignatureKey, parseSignatureKey } from '../signature/signature-key.js'
import { parseSignatureValue, type SignatureValue } from '../signature/signature-value.js'
import type { SignatureFinding } from './finding.js'
import { readOrRefusal } from './read-or-refusal.js'

/** The three signature headers, as far as they can be read, and what is wrong with them. */
export interface ReadHeaders {
  readonly signatureKey?: ParsedSignatureKey | undefined
  readonly input?: SignatureInput | undefined
  readonly value?: SignatureValue | undefined
  readonly findings: readonly SignatureFinding[]
}

const longest = 8 * 1024

function linesOf(message: ReceivedMessage, name: string, findings: SignatureFinding[]): string[] {
  const lines = headerValues(message, name).map(trimOws)
  if (lines.length === 0)
    findings.push({ reason: 'signature_header_missing', at: name, change: `send the header ${name}` })
  return lines
}

function keyLine(message: ReceivedMessage, findings: SignatureFinding[]): string | undefined {
  const at = 'signature-key'
  const [line, second] = linesOf(message, at, findings)
  if (second !== undefined)
    findings.push({
      reason: 'signature_header_repeated',
      at,
      change: 'send Signature-Key on one line, with one member',
    })
  return line === undefined || line.length > longest ? undefined : line
}

function parseIfPresent<T>(parse: (value: string) => T, value: string | undefined): T | HttpSigError | undefined {
  return value === undefined ? undefined : readOrRefusal(() => parse(value))
}

/** Reads the older spelling `sig=(scheme=hwk kty="OKP" …)`; undefined for any other text. */
function fromOldSpelling(value: string): ParsedSignatureKey | undefined {
  const [, label, scheme, rest] = /^([a-z*][a-z0-9_.*-]*)=\(scheme=([a-z_0-9]+)\s([^()]*)\)$/.exec(value) ?? []
  if (label === undefined || scheme === undefined || rest === undefined) return undefined
  const read = parseIfPresent(parseSignatureKey, `${label}=${scheme};${rest.trim().split(/\s+/).join(';')}`)
  return read instanceof HttpSigError ? undefined : read
}

function readKey(value: string | undefined, findings: SignatureFinding[]): ParsedSignatureKey | undefined {
  const read = parseIfPresent(parseSignatureKey, value)
  if (!(read instanceof HttpSigError)) return read
  const old = value === undefined ? undefined : fromOldSpelling(value)
  const isOld = read.reason === 'signature_key_old_spelling'
  findings.push({
    reason: read.reason,
    at: 'signature-key',
    change: isOld
      ? 'write Signature-Key as a Structured Field: sig=hwk;kty="OKP";crv="Ed25519";x="..." without parentheses'
      : `correct Signature-Key: ${read.message}`,
    ...(value !== undefined && { received: shownValue('"signature-key"', value) }),
  })
  return old
}

/** Reads Signature-Input or Signature; undefined, and a finding, when it cannot be read. */
function readMembers(
  message: ReceivedMessage,
  header: 'Signature-Input' | 'Signature',
  findings: SignatureFinding[],
): Members | undefined {
  const at = header.toLowerCase()
  const lines = linesOf(message, at, findings)
  if (lines.length === 0) return undefined
  const value = lines.join(', ')
  const members = parseIfPresent(text => parseMembers(header, text, signatureLimits), value)
  if (members instanceof HttpSigError) findings.push(malformedFinding(at, value, members))
  return members instanceof HttpSigError || members === undefined ? undefined : { at, value, members }
}

interface Members {
  readonly at: string
  readonly value: string
  readonly members: ReadonlyMap<string, DictionaryMember>
}

function malformedFinding(at: string, value: string, { reason, message }: HttpSigError): SignatureFinding {
  if (at === 'signature-input' || parseBase64Signature(value) === undefined)
    return {
      reason,
      at,
      change: `correct ${at === 'signature' ? 'Signature' : 'Signature-Input'}: ${message}`,
    }
  return encodingFinding(value)
}

/** Label and base64 text of a single signature, also if it is not written as a Byte Sequence. */
function parseBase64Signature(value: string): { readonly label: string; readonly text: string } | undefined {
  const [, label, text] = /^([a-z*][a-z0-9_.*-]*)=[:"]?([A-Za-z0-9_+/-]+)=*[:"]?$/.exec(value) ?? []
  return label === undefined || text === undefined ? undefined : { label, text }
}

function encodingFinding(value: string): SignatureFinding {
  return {
    reason: 'signature_encoding',
    at: 'signature',
    change: /[_-]/.test(parseBase64Signature(value)?.text ?? '')
      ? 'write the signature in standard base64 with + and /, between colons, not in base64url'
      : 'write the signature in base64 between two colons',
  }
}

/** The wanted label, or that of the only member when Signature-Key names another label or cannot be read. */
function labelIn(read: Members, wanted: string | undefined, findings: SignatureFinding[]): string | undefined {
  if (wanted !== undefined && read.members.has(wanted)) return wanted
  const only = read.members.size === 1 ? [...read.members.keys()][0] : undefined
  // bound: one call
  if (wanted !== undefined)
    findings.push({
      reason: 'signature_label_missing',
      at: read.at,
      change: 'use the label of Signature-Key in Signature-Input and Signature, too',
      // Other members may be signatures of other protocols: their labels are not shown.
      ...(only !== undefined && { received: only.slice(0, 64) }),
      expected: wanted,
    })
  return only
}

function readInput(
  read: Members | undefined,
  wanted: string | undefined,
  findings: SignatureFinding[],
): SignatureInput | undefined {
  const label = read && labelIn(read, wanted, findings)
  if (read === undefined || label === undefined) return undefined
  const input = parseIfPresent(text => parseSignatureInput(text, label), read.value)
  if (!(input instanceof HttpSigError)) {
    if (input?.values.has('tag'))
      findings.push({
        reason: 'signature_tagged',
        at: 'tag',
        change: 'leave the parameter tag out: it marks signatures of other protocols',
      })
    return input
  }
  findings.push({ reason: input.reason, at: read.at, change: `correct Signature-Input: ${input.message}` })
  return undefined
}

function readValue(
  read: Members | undefined,
  wanted: string | undefined,
  { message, findings }: { readonly message: ReceivedMessage; readonly findings: SignatureFinding[] },
): SignatureValue | undefined {
  if (read === undefined) return fromOtherEncoding(headerValues(message, 'signature').map(trimOws).join(', '))
  const label = labelIn(read, wanted, findings)
  if (label === undefined) return undefined
  const value = parseIfPresent(text => parseSignatureValue(text, label), read.value)
  if (!(value instanceof HttpSigError)) return value
  // bound: one call
  findings.push(malformedFinding(read.at, read.value, value))
  return fromOtherEncoding(read.value)
}

function fromOtherEncoding(value: string): SignatureValue | undefined {
  const written = value.length > longest ? undefined : parseBase64Signature(value)
  if (written === undefined) return undefined
  try {
    const { label, text } = written
    return { label, signature: base64urlDecode(text.replaceAll('+', '-').replaceAll('/', '_')) }
  } catch {
    return undefined
  }
}

/** Reads the three headers leniently: each fault is reported, and reading goes on when the meaning is clear. */
export function readHeaders(message: ReceivedMessage): ReadHeaders {
  const findings: SignatureFinding[] = []
  const signatureKey = readKey(keyLine(message, findings), findings)
  const inputs = readMembers(message, 'Signature-Input', findings)
  const input = readInput(inputs, signatureKey?.label, findings)
  const values = readMembers(message, 'Signature', findings)
  const value = readValue(values, signatureKey?.label ?? input?.label, { message, findings })
  return {
    signatureKey,
    input,
    value,
    findings,
  }
}
