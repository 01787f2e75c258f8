import type { Directory } from '@countersign/discovery'
import type { VerifyKey } from '@countersign/httpsig'
import { type ParsedToken, verifyTokenSignature, type WellKnownDocument } from '@countersign/protocol'
import { publishedIn } from './published-in.js'

/**
 * Verifies with a published key and, when that fails, once more with the key now published under the same `kid`, if it is another.
 * Otherwise a participant that made a new key under an old `kid` would be refused until the old key leaves the cache.
 * Wrong signatures cause no more fetches than unknown kids: the directory refetches a key set at most once in 30 s.
 * @returns the key that verified
 * @throws the error of `verify`; when the key set cannot be fetched, its error with the first key
 * @see protocol §10
 */
export async function verifyUnder(
  key: VerifyKey,
  source: {
    readonly document: WellKnownDocument
    readonly id: string
    readonly kid: string
    readonly discovery: Pick<Directory, 'key'>
  },
  verify: (key: VerifyKey) => Promise<void>,
): Promise<VerifyKey> {
  try {
    await verify(key)
    return key
  } catch (fault) {
    const other = await source.discovery.key(source.document, source.id, source.kid, key).catch(() => undefined)
    if (other === undefined || other === key) throw fault
    await verify(other)
    return other
  }
}

/**
 * Verifies a token's signature with its issuer's key, or with the key that has replaced it under its `kid`.
 * @returns the key that verified
 * @throws AAuthError with the code of the token's type
 */
export function proveIssuer(
  parsed: ParsedToken,
  key: VerifyKey,
  discovery: Pick<Directory, 'key'>,
): Promise<VerifyKey> {
  const { typ, iss, kid } = parsed
  const source = { document: publishedIn[typ], id: iss, kid, discovery }
  return verifyUnder(key, source, under => verifyTokenSignature(parsed, under))
}
