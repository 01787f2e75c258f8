import type { Algorithm } from '@countersign/httpsig'

/**
 * Makes an Ed25519 key, or an ES256 key when the platform cannot: older browsers lack Ed25519.
 * @throws the error of the second attempt
 */
export async function freshKey<T>(make: (algorithm: Algorithm) => Promise<T>): Promise<T> {
  try {
    return await make('Ed25519')
  } catch {
    return make('ES256')
  }
}
