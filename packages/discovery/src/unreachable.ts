import { AAuthError } from '@countersign/protocol'

/** The host did not answer, or answered that it cannot now: what is held may stand in a little longer. */
export class Unreachable extends Error {
  override readonly name = 'Unreachable'
}

/** What a caller of discovery gets to see of a failure: constant text, the facts in `cause`. */
export function discoveryError(error: unknown, retryAfter: number): AAuthError {
  if (error instanceof AAuthError) {
    const { description, status } = error
    return new AAuthError('discovery_failed', description, { status, cause: error.cause ?? error })
  }
  const description = 'a host that is needed does not answer'
  return new AAuthError('discovery_failed', description, { status: 503, retryAfter, cause: error })
}
