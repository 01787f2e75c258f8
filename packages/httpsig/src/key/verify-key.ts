import type { Algorithm } from './algorithm.js'
import type { PublicJwk } from './jwk.js'

/** A key that verifies. */
export interface VerifyKey {
  readonly algorithm: Algorithm
  readonly publicJwk: PublicJwk
  /** RFC 7638 SHA-256 thumbprint, base64url. */
  readonly thumbprint: string
  /** Whether `signature` is this key's over `data`; false, never an error, for one of the wrong length. */
  verify(data: Uint8Array, signature: Uint8Array): Promise<boolean>
}
