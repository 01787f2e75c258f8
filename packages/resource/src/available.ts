import { AAuthError } from '@countersign/protocol'

/** Without its memory a resource cannot tell a first request from a replay, nor a flood from a trickle: it fails closed. */
export async function available<T>(answer: Promise<T>): Promise<T> {
  try {
    return await answer
  } catch (cause) {
    if (cause instanceof AAuthError) throw cause
    throw new AAuthError('temporarily_unavailable', 'the memory of this resource is away', { retryAfter: 5, cause })
  }
}
