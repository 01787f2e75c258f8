import { base64urlDecode } from '#base64url'
import { HttpSigError } from './error.js'
import type { SignatureCause, SignatureFinding } from './explain-signature-cause.js'
import { shownValue } from './explain-signature-shown.js'
import { headerValues, type ReceivedMessage, trimOws } from './received-message.js'
import { parseSignatureInput, type SignatureInput } from './signature-input.js'
import { type ParsedSignatureKey, parseSignatureKey } from './signature-key.js'
import { parseSignatureValue, type SignatureValue } from './signature-value.js'

/** The three headers as far as they can be read, and what is wrong with them. */
export interface ReadHeaders {
  readonly signatureKey?: ParsedSignatureKey
  readonly input?: SignatureInput
  readonly value?: SignatureValue
  readonly findings: readonly SignatureFinding[]
}

const longest = 8 * 1024

function lineOf(message: ReceivedMessage, name: string, findings: SignatureFinding[]): string | undefined {
  const [value, second] = headerValues(message, name)
  if (value === undefined) {
    findings.push({ cause: 'header-missing', at: name, change: `send the header ${name}` })
    return undefined
  }
  if (second !== undefined)
    findings.push({
      cause: 'header-repeated',
      at: name,
      change: `send the header ${name} on one line, with one member`,
    })
  const trimmed = trimOws(value)
  return trimmed.length > longest ? undefined : trimmed
}

function parsed<T>(parse: (value: string) => T, value: string | undefined): T | HttpSigError | undefined {
  if (value === undefined) return undefined
  try {
    return parse(value)
  } catch (error) {
    if (error instanceof HttpSigError) return error
    throw error
  }
}

/** The member that the older spelling `sig=(scheme=hwk kty="OKP" …)` means; undefined for anything else. */
function fromOldSpelling(value: string): ParsedSignatureKey | undefined {
  const [, label, scheme, rest] = /^([a-z*][a-z0-9_.*-]*)=\(scheme=([a-z_0-9]+)\s([^()]*)\)$/.exec(value) ?? []
  if (label === undefined || scheme === undefined || rest === undefined) return undefined
  const read = parsed(parseSignatureKey, `${label}=${scheme};${rest.trim().split(/\s+/).join(';')}`)
  return read instanceof HttpSigError ? undefined : read
}

const causeOfCode: Readonly<Record<string, SignatureCause>> = {
  unsupported_scheme: 'scheme-unknown',
  unsupported_algorithm: 'key-refused',
}

function readKey(value: string | undefined, findings: SignatureFinding[]): ParsedSignatureKey | undefined {
  const read = parsed(parseSignatureKey, value)
  if (!(read instanceof HttpSigError)) return read
  const old = value === undefined ? undefined : fromOldSpelling(value)
  const isOld = value !== undefined && /^[^"=]*=\s*\(/.test(value)
  findings.push({
    cause: isOld ? 'old-signature-key' : (causeOfCode[read.code] ?? 'header-malformed'),
    at: 'signature-key',
    change: isOld
      ? 'write Signature-Key as a Structured Field: sig=hwk;kty="OKP";crv="Ed25519";x="..." without parentheses'
      : `mend Signature-Key: ${read.message}`,
    ...(value !== undefined && { received: shownValue('"signature-key"', value) }),
  })
  return old
}

function readValue(value: string | undefined, findings: SignatureFinding[]): SignatureValue | undefined {
  const read = parsed(parseSignatureValue, value)
  if (!(read instanceof HttpSigError)) return read
  const [, label, text] = /^([a-z*][a-z0-9_.*-]*)=[:"]?([A-Za-z0-9_+/-]+)=*[:"]?$/.exec(value ?? '') ?? []
  const isUrlSafe = text !== undefined && /[_-]/.test(text)
  findings.push({
    cause: text === undefined ? 'header-malformed' : 'signature-encoding',
    at: 'signature',
    change: isUrlSafe
      ? 'write the signature in standard base64 with + and /, between colons, not in base64url'
      : text === undefined
        ? `mend Signature: ${read.message}`
        : 'write the signature in base64 between two colons',
  })
  if (label === undefined || text === undefined) return undefined
  try {
    return { label, signature: base64urlDecode(text.replaceAll('+', '-').replaceAll('/', '_')) }
  } catch {
    return undefined
  }
}

/** Reads the three headers leniently: what a strict reader refuses is found, named, and read on where its meaning is plain. */
export function readHeaders(message: ReceivedMessage): ReadHeaders {
  const findings: SignatureFinding[] = []
  const signatureKey = readKey(lineOf(message, 'signature-key', findings), findings)
  const read = parsed(parseSignatureInput, lineOf(message, 'signature-input', findings))
  const input = read instanceof HttpSigError ? undefined : read
  if (read instanceof HttpSigError)
    findings.push({ cause: 'header-malformed', at: 'signature-input', change: `mend Signature-Input: ${read.message}` })
  const value = readValue(lineOf(message, 'signature', findings), findings)
  const labels = [signatureKey?.label, input?.label, value?.label].filter(label => label !== undefined)
  if (new Set(labels).size > 1)
    findings.push({
      cause: 'label-mismatch',
      at: 'signature-input',
      change: 'use the same label in Signature-Input, Signature and Signature-Key',
      received: labels.map(String).join(', ').slice(0, 256),
    })
  return {
    ...(signatureKey !== undefined && { signatureKey }),
    ...(input !== undefined && { input }),
    ...(value !== undefined && { value }),
    findings,
  }
}
