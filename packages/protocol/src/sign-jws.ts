import {
  asciiBytes,
  base64urlEncode,
  base64urlEncodeText,
  type SigningKey,
  signatureLength,
} from '@countersign/httpsig'

/**
 * Signs a payload as a compact JWS; `alg` is the key's. How long it becomes is for its caller to judge.
 * @param payload JSON text
 * @throws TypeError when the key signs in another encoding
 * @see RFC 7515 §5.1
 */
export async function signJws(
  header: { readonly typ: string; readonly kid?: string },
  payload: string,
  key: SigningKey,
): Promise<string> {
  const { typ, kid } = header
  // Without a `kid` none is written: what is undefined does not go into JSON.
  const signingInput = `${base64urlEncodeText(JSON.stringify({ typ, alg: key.algorithm, kid }))}.${base64urlEncodeText(payload)}`
  const signature = await key.sign(asciiBytes(signingInput))
  // A KMS that answers in DER.
  if (signature.length !== signatureLength(key.publicJwk)) throw new TypeError('the key signs in another encoding')
  return `${signingInput}.${base64urlEncode(signature)}`
}
