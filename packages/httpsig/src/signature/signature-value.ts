import { isInnerList } from 'structured-headers'
import { base64Decode } from '#base64url'
import { signatureLimits } from '../component/signature-input.js'
import { headerTooLong, malformed, parseMembers } from '../component/structured-field.js'

/** The member of Signature that Signature-Key selects, parsed. */
export interface SignatureValue {
  readonly label: string
  readonly signature: Uint8Array
}

const canonical = /^([a-z*][a-z0-9_.*-]{0,63})=:([A-Za-z0-9+/]+={0,2}):$/

/** Parses any legal spelling; {@link parseSignatureValue} tries the canonical one first, which is faster. */
export function parseSignatureValueFully(value: string, label: string): SignatureValue {
  const member = parseMembers('Signature', value, signatureLimits).get(label)?.member
  if (member === undefined)
    throw malformed('signature_label_missing', 'Signature has no member of the label that Signature-Key names')
  const item = isInnerList(member) ? undefined : member[0]
  if (!(item instanceof ArrayBuffer))
    throw malformed('signature_malformed', 'the Signature member is not a Byte Sequence')
  return { label, signature: new Uint8Array(item) }
}

/**
 * Reads the member of Signature that Signature-Key selects, and ignores the others.
 * @param value the lines of the header, joined
 * @param label that of Signature-Key
 * @throws HttpSigError `invalid_signature`, also above 8 members; 431 above 8 KiB
 * @see protocol §3.1, RFC 9421 §4.2
 */
export function parseSignatureValue(value: string, label: string): SignatureValue {
  if (value.length > signatureLimits.bytes) throw headerTooLong('Signature', '8192 bytes')
  const match = canonical.exec(value)
  const signature = match?.[1] === label && match[2] !== undefined ? base64Decode(match[2]) : undefined
  return signature === undefined ? parseSignatureValueFully(value, label) : { label, signature }
}
