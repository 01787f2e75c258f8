import { jwks, type PublicKeyEntry } from '../key/published-key.js'
import { textResponse } from '../message/text-response.js'

/** Long enough to spare requests, short enough that a withdrawn key is gone in minutes. */
const publishedCaching = 'public, max-age=300'

/**
 * Answers with a document that anyone may read and caches may keep for 5 minutes, such as metadata.
 * @see protocol.md §2
 */
export function documentResponse(document: object): Response {
  return json(document, 'application/json', publishedCaching)
}

/**
 * Answers with public keys as a JWK set that anyone may read and caches may keep for 5 minutes.
 * @throws TypeError when `keys` cannot be published, see {@link jwks}
 * @see protocol.md §2
 */
export function jwksResponse(keys: readonly PublicKeyEntry[]): Response {
  return json(jwks(keys), 'application/jwk-set+json', publishedCaching)
}

/**
 * Answers a token endpoint's caller with JSON that no cache may keep.
 * @see protocol.md §4 "Caches"
 */
export function privateResponse(body: object): Response {
  return json(body, 'application/json', 'no-store')
}

function json(body: object, mediaType: string, caching: string): Response {
  return textResponse(JSON.stringify(body), { headers: { 'content-type': mediaType, 'cache-control': caching } })
}
