import {
  asciiBytes,
  base64urlEncode,
  base64urlEncodeText,
  type SigningKey,
  signatureLength,
} from '@countersign/httpsig'
import { AAuthError } from './error.js'
import { maxJwsBytes } from './jws.js'

/**
 * Signs a payload as a compact JWS; `alg` is the key's.
 * @param payload JSON text
 * @throws TypeError when it would be over 6 KiB, which its `cause` then says, or the key signs in another encoding
 * @see RFC 7515 §5.1, protocol.md §11
 */
export async function signJws(
  header: { readonly typ: string; readonly kid?: string },
  payload: string,
  key: SigningKey,
): Promise<string> {
  const { typ, kid } = header
  const protectedHeader = { typ, alg: key.algorithm, ...(kid === undefined ? {} : { kid }) }
  const signingInput = `${base64urlEncodeText(JSON.stringify(protectedHeader))}.${base64urlEncodeText(payload)}`
  const bytes = signatureLength(key.publicJwk)
  if (signingInput.length + 1 + Math.ceil((bytes * 4) / 3) > maxJwsBytes) {
    const cause = new AAuthError('invalid_request', 'the token is over 6 KiB')
    throw new TypeError(`the token would be refused: ${cause.description}`, { cause })
  }
  const signature = await key.sign(asciiBytes(signingInput))
  // A KMS that answers in DER.
  if (signature.length !== bytes) throw new TypeError('the key signs in another encoding')
  return `${signingInput}.${base64urlEncode(signature)}`
}
