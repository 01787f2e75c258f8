import { errorWords } from '#error-words'
import type { HttpSigReason } from './reason/reason.js'

/** The codes of refusals of a message: values of `error` in a response. */
export type HttpSigErrorCode = 'invalid_request' | 'invalid_signature' | 'unsupported_scheme' | 'unsupported_algorithm'

/** What an {@link HttpSigError} has besides code and description. */
export interface HttpSigErrorOptions {
  /** The reason of the refusal: a stable name, finer than the code. */
  readonly reason: HttpSigReason
  /** HTTP status: 400, 401, 413, 415, 421 or 431; by default 400 for `invalid_request`, else 401. */
  readonly status?: number
  readonly required_components?: readonly string[]
  readonly algs?: readonly string[]
  /** The facts, as data: what was expected and what was received. */
  readonly cause?: unknown
}

/**
 * The refusal of a message. `message` is a constant text without anything that the peer sent; the facts are in `cause`.
 * @see protocol §8
 */
export class HttpSigError extends Error {
  override readonly name: string = 'HttpSigError'
  declare readonly code: HttpSigErrorCode
  /** A stable name, finer than the code; docs/reasons.md lists all. */
  declare readonly reason: HttpSigReason
  /** 400, 401, 413, 415, 421 or 431. */
  declare readonly status: number
  /** With `invalid_signature`: every component name this request must cover. */
  declare readonly required_components?: readonly string[]
  /** With `unsupported_algorithm`: the algorithms that are supported, by JOSE name. */
  declare readonly algs?: readonly string[]

  constructor(code: HttpSigErrorCode, description: string, options: HttpSigErrorOptions) {
    super(description, options.cause === undefined ? undefined : options)
    const { cause, status = code === 'invalid_request' ? 400 : 401, ...facts } = options
    Object.assign(this, { code, status }, facts)
  }
}

/** What an error says besides its reason. */
export interface HttpSigEvidence extends Omit<HttpSigErrorOptions, 'reason'> {
  /** One of the codes of the reason; default: its first. */
  readonly code?: HttpSigErrorCode
  /** What is at fault, where the sentence of the reason fits several things: constant words, never anything that the peer sent. */
  readonly about?: string | false | undefined
}

/**
 * The error of a reason: its table has code, status and sentence.
 * @see protocol §8
 */
export function refusal(reason: HttpSigReason, evidence: HttpSigEvidence = {}): HttpSigError {
  const { codes, status, meaning } = errorWords(reason)
  const { code = codes[0] as HttpSigErrorCode, about, ...facts } = evidence
  return new HttpSigError(code, errorSentence(meaning, about), { ...(status && { status }), ...facts, reason })
}

/** The same refusal with further facts. */
export function restated(error: HttpSigError, facts: Omit<HttpSigErrorOptions, 'reason'>): HttpSigError {
  const { code, reason, message, status, cause } = error
  return new HttpSigError(code, message, { status, cause, ...facts, reason })
}

/** The sentence of a reason, and what it is about: `A claim of the token is missing: jti`. */
export function errorSentence(meaning: string, about?: string | false): string {
  return about ? `${meaning.replace(/\.$/, '')}: ${about}` : meaning
}
