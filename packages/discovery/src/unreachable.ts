import { AAuthError } from '@countersign/protocol'
import { refusal, restated } from '@countersign/protocol/internal'

/** The host did not answer, or answered that it is busy or broken: the cached document may be served stale. */
export class Unreachable extends Error {
  override readonly name = 'Unreachable'
}

/** The error for the caller of a discovery: a constant message, with the facts in `cause`. */
export function discoveryError(error: unknown, retryAfter: number): AAuthError {
  if (error instanceof AAuthError) return restated(error, { code: 'discovery_failed', cause: error.cause ?? error })
  return refusal('participant_unreachable', { status: 503, retryAfter, cause: error })
}
