import { jwks, type PublicKeyEntry } from '../key/published-key.js'
import { textResponse } from '../message/text-response.js'

/** Long enough to save requests, short enough that a withdrawn key disappears within minutes. */
const publishedCaching = 'public, max-age=300'

/**
 * Makes the response for a public document, such as metadata. Caches may keep it for 5 minutes.
 * @see protocol §2
 */
export function documentResponse(document: object): Response {
  return json(document, 'application/json', publishedCaching)
}

/**
 * Makes the response for public keys, as a JWK set. Caches may keep it for 5 minutes.
 * @throws TypeError when `keys` cannot be published, see {@link jwks}
 * @see protocol §2
 */
export function jwksResponse(keys: readonly PublicKeyEntry[]): Response {
  return json(jwks(keys), 'application/jwk-set+json', publishedCaching)
}

/**
 * Makes a JSON response of a token endpoint, which no cache may keep.
 * @see protocol §4 "Caches"
 */
export function privateResponse(body: object): Response {
  return json(body, 'application/json', 'no-store')
}

function json(body: object, mediaType: string, caching: string): Response {
  return textResponse(JSON.stringify(body), { headers: { 'content-type': mediaType, 'cache-control': caching } })
}
