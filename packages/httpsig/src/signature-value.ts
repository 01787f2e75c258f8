import { isInnerList } from 'structured-headers'
import { base64Decode } from '#base64url'
import { malformed, parseSingleMember } from './structured-field.js'

/** A Signature header, parsed. */
export interface SignatureValue {
  readonly label: string
  readonly signature: Uint8Array
}

const lengthLimit = 1024
const canonical = /^([a-z*][a-z0-9_.*-]{0,63})=:([A-Za-z0-9+/]+={0,2}):$/

/** The exact parser; {@link parseSignatureValue} tries the canonical spelling first. */
export function parseSignatureValueFully(value: string): SignatureValue {
  const { label, member } = parseSingleMember('Signature', value)
  const item = isInnerList(member) ? undefined : member[0]
  if (!(item instanceof ArrayBuffer)) throw malformed('the Signature member is not a Byte Sequence')
  return { label, signature: new Uint8Array(item) }
}

/**
 * Reads a Signature header value.
 * @throws HttpSigError `invalid_signature`, also above 1 KiB
 * @see docs/protocol.md §3.1, RFC 9421 §4.2
 */
export function parseSignatureValue(value: string): SignatureValue {
  if (value.length > lengthLimit) throw malformed('Signature is longer than 1 KiB')
  const match = canonical.exec(value)
  const signature = match?.[2] === undefined ? undefined : base64Decode(match[2])
  if (match?.[1] !== undefined && signature !== undefined) return { label: match[1], signature }
  return parseSignatureValueFully(value)
}
