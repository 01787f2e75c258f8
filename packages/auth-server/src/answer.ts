import { type AuthServerMetadata, jwks, type PublishedKey } from '@countersign/protocol'

/** Long enough to spare requests, short enough that a withdrawn key is gone in minutes. */
const publishedCaching = 'public, max-age=300'

/** The metadata document. */
export function metadataAnswer(metadata: AuthServerMetadata): Response {
  return new Response(JSON.stringify(metadata), {
    headers: { 'content-type': 'application/json', 'cache-control': publishedCaching },
  })
}

/** The public keys as a JWK set. */
export function jwksAnswer(keys: readonly PublishedKey[]): Response {
  return new Response(JSON.stringify(jwks(keys)), {
    headers: { 'content-type': 'application/jwk-set+json', 'cache-control': publishedCaching },
  })
}

/** A token endpoint's JSON, which no cache may keep. */
export function privateAnswer(body: object): Response {
  return new Response(JSON.stringify(body), {
    headers: { 'content-type': 'application/json', 'cache-control': 'no-store' },
  })
}
