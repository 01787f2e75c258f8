import type { Algorithm } from '@countersign/httpsig'

/**
 * Makes an Ed25519 key, or an ES256 one where the platform makes no such keys: browsers learnt Ed25519 one by one.
 * @throws what making the second one throws
 */
export async function freshKey<T>(make: (algorithm: Algorithm) => Promise<T>): Promise<T> {
  try {
    return await make('Ed25519')
  } catch {
    return make('ES256')
  }
}
