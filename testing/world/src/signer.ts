import type { SignatureKey, SigningKey } from '@countersign/httpsig'
import type { PublishedKey } from '@countersign/protocol'

/** A key, and how a verifier finds it. */
export interface Signer {
  readonly key: SigningKey
  readonly signatureKey: SignatureKey
}

/** An identifier with its published key. */
export interface Party extends PublishedKey {
  readonly id: string
}

/** Signs as a key that says nothing else. */
export function asKey(key: SigningKey): Signer {
  return { key, signatureKey: { scheme: 'hwk', jwk: key.publicJwk } }
}

/** Signs as an agent, by its published key. */
export function asAgent({ id, kid, key }: Party): Signer {
  return { key, signatureKey: { scheme: 'jwks_uri', id, kid, dwk: 'aauth-agent' } }
}

/** Signs with the token that is bound to the key. */
export function asHolder(key: SigningKey, jwt: string): Signer {
  return { key, signatureKey: { scheme: 'jwt', jwt } }
}
