import { asciiBytes, base64urlEncode, base64urlEncodeText, type SigningKey, signBytes } from '@countersign/httpsig'

/**
 * Signs a payload as a compact JWS; `alg` is the key's. How long it becomes is for its caller to judge.
 * @param payload JSON text
 * @throws TypeError when the key signs in another encoding; SigningKeyError when it fails or takes longer than 5 seconds
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
  return `${signingInput}.${base64urlEncode(await signBytes(key, asciiBytes(signingInput)))}`
}
