import { AAuthError } from '@countersign/protocol'
import { refusal } from '@countersign/protocol/internal'

/**
 * Without its memory a resource cannot tell a first request from a replay, nor a flood from a trickle: it fails closed.
 * @param stage whether the request is still judged, so that nothing was done for it, or its handler has begun
 */
export async function available<T>(answer: Promise<T>, stage: 'judging' | 'handling' = 'judging'): Promise<T> {
  try {
    return await answer
  } catch (cause) {
    if (cause instanceof AAuthError) throw cause
    const untouched = stage === 'judging' ? { notProcessed: true as const } : {}
    throw refusal('store_unavailable', { retryAfter: 5, cause, ...untouched })
  }
}
