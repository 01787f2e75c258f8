import { isInnerList } from 'structured-headers'
import { signatureLimits } from '../component/signature-input.js'
import { byteSequence, parseMembers } from '../component/structured-field.js'
import { refusal } from '../error.js'

/** The member of Signature that Signature-Key selects, parsed. */
export interface SignatureValue {
  readonly label: string
  readonly signature: Uint8Array
}

/**
 * Reads the member of Signature that Signature-Key selects, and ignores the others.
 * @param value the lines of the header, joined
 * @param label that of Signature-Key
 * @throws HttpSigError `invalid_signature`, also above 8 members; 431 above 8 KiB
 * @see protocol §3.1, RFC 9421 §4.2
 */
export function parseSignatureValue(value: string, label: string): SignatureValue {
  const member = parseMembers('Signature', value, signatureLimits).get(label)?.member
  if (member === undefined) throw refusal('signature_label_missing')
  const signature = isInnerList(member) ? undefined : byteSequence(member[0])
  if (signature === undefined) throw refusal('signature_malformed')
  return { label, signature }
}
