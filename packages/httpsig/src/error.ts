/** What went wrong with a signed message, as the wire names it. */
export type HttpSigErrorCode = 'invalid_request' | 'invalid_signature' | 'unsupported_scheme' | 'unsupported_algorithm'

/** What an {@link HttpSigError} may carry besides code and description. */
export interface HttpSigErrorOptions {
  /** HTTP status; by default 400 for `invalid_request`, else 401. */
  readonly status?: 400 | 401 | 413 | 415 | 421 | 431
  readonly required_components?: readonly string[]
  readonly algs?: readonly string[]
  /** The facts, as data: what was expected and what came. */
  readonly cause?: unknown
}

/**
 * A message was refused. `message` is a constant text that holds nothing of the peer's; the facts are in `cause`.
 * @see docs/protocol.md §8
 */
export class HttpSigError extends Error {
  override readonly name: string = 'HttpSigError'
  declare readonly code: HttpSigErrorCode
  /** 400, 401, 413, 415, 421 or 431. */
  declare readonly status: number
  /** With `invalid_signature`: every component name this request must cover. */
  declare readonly required_components?: readonly string[]
  /** With `unsupported_algorithm`: the algorithms that would do, by JOSE name. */
  declare readonly algs?: readonly string[]

  constructor(code: HttpSigErrorCode, description: string, options: HttpSigErrorOptions = {}) {
    super(description, 'cause' in options ? { cause: options.cause } : undefined)
    const { cause, status = code === 'invalid_request' ? 400 : 401, ...facts } = options
    Object.assign(this, { code, status }, facts)
  }
}
