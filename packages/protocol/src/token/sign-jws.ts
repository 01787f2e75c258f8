import type { SigningKey } from '@countersign/httpsig'
import { asciiBytes, base64urlEncode, base64urlEncodeText, signBytes } from '@countersign/httpsig/internal'

/**
 * Signs a payload as a compact JWS with the `alg` of the key. The caller must check its length.
 * @param payload JSON text
 * @throws TypeError when the key signs in another encoding; SigningKeyError when it fails or takes longer than 5 seconds
 * @see RFC 7515 §5.1
 */
// unchecked options header: all members are required, and one that is missing refuses everything
export async function signJws(
  header: { readonly typ: string; readonly kid?: string },
  payload: string,
  key: SigningKey,
): Promise<string> {
  const { typ, kid } = header
  // JSON leaves out a `kid` that is undefined.
  const signingInput = `${base64urlEncodeText(JSON.stringify({ typ, alg: key.algorithm, kid }))}.${base64urlEncodeText(payload)}`
  return `${signingInput}.${base64urlEncode(await signBytes(key, asciiBytes(signingInput)))}`
}
