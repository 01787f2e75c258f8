import { HttpSigError } from '@countersign/httpsig'

/**
 * Every value of `error` that a participant answers with.
 * @see protocol.md §8
 */
export type ErrorCode =
  | 'invalid_request'
  | 'invalid_signature'
  | 'unsupported_scheme'
  | 'unsupported_algorithm'
  | 'invalid_agent_token'
  | 'invalid_auth_token'
  | 'untrusted_issuer'
  | 'insufficient_level'
  | 'interaction_required'
  | 'replay_detected'
  | 'discovery_failed'
  | 'insufficient_scope'
  | 'policy_denied'
  | 'rate_limited'
  | 'invalid_resource_token'
  | 'invalid_grant'
  | 'invalid_scope'
  | 'unsupported_request_type'
  | 'authorization_pending'
  | 'slow_down'
  | 'expired_token'
  | 'unauthorized_client'
  | 'access_denied'
  | 'temporarily_unavailable'
  | 'server_error'

/** Of those that are not 400. */
const statusOf: Readonly<Partial<Record<ErrorCode, number>>> = {
  invalid_signature: 401,
  unsupported_scheme: 401,
  unsupported_algorithm: 401,
  invalid_agent_token: 401,
  invalid_auth_token: 401,
  untrusted_issuer: 401,
  insufficient_level: 401,
  interaction_required: 401,
  replay_detected: 401,
  discovery_failed: 401,
  insufficient_scope: 403,
  policy_denied: 403,
  rate_limited: 429,
  unauthorized_client: 403,
  access_denied: 403,
  temporarily_unavailable: 503,
  server_error: 500,
}

/** What an {@link AAuthError} may say beside its code and description. */
export interface AAuthErrorOptions {
  /** HTTP status; by default the one of protocol.md §8 for a resource. Token endpoints answer 400 for an `upstream_token`. */
  readonly status?: number
  /** Seconds after which to try again. */
  readonly retryAfter?: number
  /** All bare component names the request needs (`invalid_signature`). */
  readonly required_components?: readonly string[]
  /** The algorithms that would do (`unsupported_algorithm`). */
  readonly algs?: readonly string[]
  /**
   * Nothing was done for the request yet, so it may be signed anew and sent again. Only with `temporarily_unavailable`, by a
   * verifier that has just started, is full, drains, or cannot reach its store.
   */
  readonly notProcessed?: true
  /** What was expected and what came, as data, for logs; it never reaches the peer. */
  readonly cause?: unknown
}

/**
 * The one error of AAuth: a code of protocol.md §8, the status it is answered with, and a constant description.
 * @see protocol.md §8
 */
export class AAuthError extends Error {
  override readonly name = 'AAuthError'
  declare readonly code: ErrorCode
  declare readonly status: number
  /** The same as `message`: constant text that never repeats what the peer sent. */
  declare readonly description: string
  declare readonly retryAfter?: number
  declare readonly required_components?: readonly string[]
  declare readonly algs?: readonly string[]
  declare readonly notProcessed?: true

  constructor(code: ErrorCode, description: string, options: AAuthErrorOptions = {}) {
    super(description, 'cause' in options ? { cause: options.cause } : undefined)
    const { cause, status = statusOf[code] ?? 400, ...facts } = options
    Object.assign(this, { code, status, description }, facts)
  }
}

/**
 * Makes whatever was thrown an {@link AAuthError}: one stays itself, an `HttpSigError` keeps its code and status,
 * an error that says of itself that it is `transient` (a database that is away) becomes `temporarily_unavailable`,
 * anything else is a bug of ours and becomes `server_error`; both with the original as `cause`.
 */
export function asAAuthError(error: unknown): AAuthError {
  if (error instanceof AAuthError) return error
  if (error instanceof HttpSigError) {
    const { code, message, status, required_components, algs, cause } = error
    return new AAuthError(code, message, {
      status,
      ...(required_components !== undefined && { required_components }),
      ...(algs !== undefined && { algs }),
      ...(cause !== undefined && { cause }),
    })
  }
  if (error instanceof Error && 'transient' in error && error.transient === true)
    return new AAuthError('temporarily_unavailable', 'something this server depends on is away', {
      retryAfter: 5,
      cause: error,
    })
  return new AAuthError('server_error', 'the server failed to handle this request', { cause: error })
}
