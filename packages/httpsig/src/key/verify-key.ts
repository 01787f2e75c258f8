import type { Algorithm } from './algorithm.js'
import type { PublicJwk } from './jwk.js'

/** A key that verifies. */
export interface VerifyKey {
  readonly algorithm: Algorithm
  readonly publicJwk: PublicJwk
  /** RFC 7638 SHA-256 thumbprint, base64url. */
  readonly thumbprint: string
  /** Whether `signature` over `data` verifies; false, and no error, for a signature of the wrong length. */
  verify(data: Uint8Array, signature: Uint8Array): Promise<boolean>
}
