import { AAuthError } from '@countersign/protocol'

/** The host did not answer, or answered that it is busy or broken: the cached document may be served stale. */
export class Unreachable extends Error {
  override readonly name = 'Unreachable'
}

/** The error for the caller of a discovery: a constant message, with the facts in `cause`. */
export function discoveryError(error: unknown, retryAfter: number): AAuthError {
  if (error instanceof AAuthError) {
    const { reason, description, status } = error
    return new AAuthError('discovery_failed', description, { reason, status, cause: error.cause ?? error })
  }
  const description = 'a host that is needed does not answer'
  return new AAuthError('discovery_failed', description, {
    reason: 'participant_unreachable',
    status: 503,
    retryAfter,
    cause: error,
  })
}
