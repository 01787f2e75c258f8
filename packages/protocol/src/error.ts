import { HttpSigError } from '@countersign/httpsig'
import { errorSentence } from '@countersign/httpsig/internal'
import { errorWords } from '#error-words'
import type { Reason } from './reason/reason.js'

/**
 * Every value of `error` that a participant answers with.
 * @see protocol §8
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

/** Statuses of the codes that are not answered with 400. */
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

/** What an {@link AAuthError} has besides code and description. */
export interface AAuthErrorOptions {
  /** The reason of the refusal: a stable name, finer than the code. */
  readonly reason: Reason
  /** HTTP status; by default the one of protocol §8 for a resource. Token endpoints answer 400 for an `upstream_token`. */
  readonly status?: number
  /** Seconds to wait before the next attempt. */
  readonly retryAfter?: number
  /** All bare component names that the signature must cover (`invalid_signature`). */
  readonly required_components?: readonly string[]
  /** The supported algorithms (`unsupported_algorithm`). */
  readonly algs?: readonly string[]
  /**
   * The request was not processed, so it may be signed and sent again. Only with `temporarily_unavailable`, from a verifier that has
   * just started, is full, drains, or cannot reach its store.
   */
  readonly notProcessed?: true
  /** What is at fault, where the description fits several things: constant words. */
  readonly about?: string
  /** What was expected and what was received, as data for logs; it is never sent to the peer. */
  readonly cause?: unknown
}

/**
 * The error of all packages: a code of protocol §8, its status, and a constant description.
 * @see protocol §8
 */
export class AAuthError extends Error {
  override readonly name = 'AAuthError'
  declare readonly code: ErrorCode
  /** A stable name, finer than the code; docs/reasons.md lists all. @see protocol §8 */
  declare readonly reason: Reason
  declare readonly status: number
  /** The same as `message`: constant text that never repeats what the peer sent. */
  declare readonly description: string
  declare readonly retryAfter?: number
  declare readonly required_components?: readonly string[]
  declare readonly algs?: readonly string[]
  declare readonly notProcessed?: true
  /** What is at fault, where the description fits several things: its end. */
  declare readonly about?: string

  constructor(code: ErrorCode, description: string, options: AAuthErrorOptions) {
    super(description, options.cause === undefined ? undefined : options)
    const { cause, status = statusOf[code] ?? 400, ...facts } = options
    Object.assign(this, { code, status, description }, facts)
  }
}

/** What an error says besides its reason. */
export interface Evidence extends Omit<AAuthErrorOptions, 'reason' | 'about'> {
  /** One of the codes of the reason; default: its first. */
  readonly code?: ErrorCode
  /** What is at fault, where the sentence of the reason fits several things: constant words, never anything that the peer sent. */
  readonly about?: string | false | undefined
}

/**
 * The error of a reason: its table has code, status and sentence.
 * @see protocol §8
 */
export function refusal(reason: Reason, evidence: Evidence = {}): AAuthError {
  const { codes, status, meaning } = errorWords(reason)
  const { code = codes[0] as ErrorCode, about, ...facts } = evidence
  const own = { ...(status && { status }), ...(about && { about }) }
  return new AAuthError(code, errorSentence(meaning, about), { ...own, ...facts, reason })
}

/** The same refusal with another status, code or cause: what is wrong is said by the party that found it. */
// unchecked options changes: only packages of ours call it, and TypeScript checks them
export function restated(error: AAuthError, changes: Omit<Evidence, 'about'>): AAuthError {
  const { reason, description, status, cause, about } = error
  const { code = error.code, ...facts } = changes
  return new AAuthError(code, description, { status, cause, ...(about && { about }), ...facts, reason })
}

/**
 * Turns any error into an {@link AAuthError}. An AAuthError is returned unchanged, an `HttpSigError` keeps code, reason and status. An
 * error whose member `transient` is true (an unreachable database) becomes `temporarily_unavailable`, and any other, a fault of this
 * server, `server_error`; both have the original as `cause`.
 */
export function asAAuthError(error: unknown): AAuthError {
  if (error instanceof AAuthError) return error
  if (error instanceof HttpSigError) {
    const { code, reason, message, status, required_components, algs, cause } = error
    return new AAuthError(code, message, {
      reason,
      status,
      ...(required_components !== undefined && { required_components }),
      ...(algs !== undefined && { algs }),
      ...(cause !== undefined && { cause }),
    })
  }
  if (error instanceof Error && 'transient' in error && error.transient === true)
    return refusal('dependency_unavailable', { retryAfter: 5, cause: error })
  return refusal('internal_error', { cause: error })
}
