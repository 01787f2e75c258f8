import { checkOptions } from '#check-options'
import { ascii } from '#crypto'
import { componentIdentifier } from '../component/component-identifier.js'
import { aauthProfile } from '../component/component-profile.js'
import { type CoverageNeeds, checkCoverage, requiredComponents } from '../component/covered-components.js'
import type { RequestContext } from '../component/message-context.js'
import { shownBase } from '../component/shown.js'
import { signatureBase } from '../component/signature-base.js'
import {
  type Component,
  integerParameter,
  parseSignatureInput,
  type SignatureInput,
  stringParameter,
} from '../component/signature-input.js'
import { malformed } from '../component/structured-field.js'
import { type ContentDigest, matchesContentDigest, parseContentDigest } from '../digest/content-digest.js'
import { HttpSigError } from '../error.js'
import { type Algorithm, algorithmNamed, unsupportedAlgorithm } from '../key/algorithm.js'
import { checkPoint } from '../key/key.js'
import type { VerifyKey } from '../key/verify-key.js'
import { chooseAuthority } from '../message/authority.js'
import { hasBody, headerValues, type ReceivedMessage, trimOws } from '../message/received-message.js'
import { checkTarget } from '../message/request-target.js'
import type { OptionChecks } from '../option/option-check.js'
import type { SignatureReason } from '../reason/reason.js'
import { parseSignatureKey, type SignatureKey } from './signature-key.js'
import { joinedLines, onlyLine } from './signature-lines.js'
import { parseSignatureValue } from './signature-value.js'

/** The options of {@link openSignature}. */
export interface OpenOptions {
  /** The authorities this verifier serves, lower case and without default port; at least one. Never taken from the request. */
  readonly authorities: readonly string[]
  readonly scheme: 'https' | 'http'
  /** Unix seconds; default the system clock. */
  readonly now?: () => number
  /** Largest distance of `created` from now, seconds, 1 to 300; default 60. */
  readonly tolerance?: number
  /** Components required beyond the protocol's own, when the request has them. */
  readonly requiredComponents?: readonly string[]
}

/** A signed message that has passed the local checks; its signature is not verified yet. */
export interface OpenedSignature {
  readonly label: string
  readonly signatureKey: SignatureKey
  /** Covered components in order; one with parameters as written, `"x-list";sf`. */
  readonly components: readonly string[]
  /** Unix seconds. */
  readonly created: number
  /** Unix seconds. */
  readonly expires?: number
  readonly nonce?: string
  /** The algorithm that the signer named; it must be that of the key. */
  readonly algorithm?: Algorithm
  /** The configured authority the signature is for. */
  readonly authority: string
  readonly base: string
  readonly signature: Uint8Array
  /** The digests in Content-Digest, when the message has a body. */
  readonly digest?: ContentDigest
  /** Every component name this request must cover. */
  readonly required: readonly string[]
  readonly message: ReceivedMessage
}

function systemSeconds(): number {
  return Date.now() / 1000
}

function checkTime(created: number | undefined, expires: number | undefined, options: OpenOptions): number {
  // Whole seconds, like `created`: a difference of 60.4 s counts as 60.
  const now = Math.floor((options.now ?? systemSeconds)())
  const tolerance = options.tolerance ?? 60
  if (created === undefined) throw malformed('created_missing', 'the parameter created is missing')
  // Written so that a clock that reads NaN refuses.
  if (!(created - now <= tolerance)) throw malformed('created_in_future', 'created is in the future', { created, now })
  if (now - created > tolerance) throw malformed('created_too_old', 'the signature is too old', { created, now })
  if (expires !== undefined && (expires < created || !(now <= expires)))
    throw malformed('signature_expired', 'the signature has expired', { expires, now })
  return created
}

function namedAlgorithm(input: SignatureInput): Algorithm | undefined {
  const name = stringParameter(input, 'alg')
  if (name === undefined) return undefined
  const algorithm = algorithmNamed(name)
  if (algorithm === undefined) throw unsupportedAlgorithm('the parameter alg names an algorithm that is not supported')
  return algorithm
}

/** A misspelt option would be ignored, and its check left out. */
export const openChecks: OptionChecks<OpenOptions> = {
  authorities: 'strings',
  scheme: ['https', 'http'],
  now: 'function',
  tolerance: 'number',
  requiredComponents: 'strings',
}

function checkTolerance({ tolerance }: OpenOptions): void {
  // A tolerance of NaN or of a day would switch the check of `created` off.
  if (tolerance !== undefined && !(tolerance >= 1 && tolerance <= 300))
    throw new RangeError('tolerance must be 1 to 300 seconds')
}

const printable = /^[\x20-\x7e]+$/

function digestOf(message: ReceivedMessage): ContentDigest {
  const values = headerValues(message, 'content-digest')
  if (values.length === 0) throw malformed('digest_missing', 'the request has a body but no Content-Digest')
  const value = values.map(trimOws).join(', ')
  if (!printable.test(value))
    throw malformed('digest_malformed', 'Content-Digest is empty or holds characters outside printable ASCII')
  return parseContentDigest(value)
}

interface Opening {
  readonly options: OpenOptions
  readonly context: RequestContext
  readonly needs: CoverageNeeds
  readonly required: readonly string[]
}

function plainNames(components: readonly Component[]): string[] {
  return components.filter(component => !component.parameters).map(component => component.name)
}

function open(message: ReceivedMessage, { options, context, needs, required }: Opening): OpenedSignature {
  const { label, key } = parseSignatureKey(onlyLine(message, 'signature-key'))
  const input = parseSignatureInput(joinedLines(message, 'signature-input'), label)
  const value = parseSignatureValue(joinedLines(message, 'signature'), label)
  // Signatures of other protocols have a tag: they must not count as signatures of this protocol.
  if (input.values.has('tag'))
    throw malformed('signature_tagged', 'the signature has the parameter tag', { parameter: 'tag' })
  const expires = integerParameter(input, 'expires')
  const created = checkTime(integerParameter(input, 'created'), expires, options)
  const nonce = stringParameter(input, 'nonce')
  const algorithm = namedAlgorithm(input)
  checkCoverage(plainNames(input.components), required, needs) // sig.covered.always
  const opened: { -readonly [K in keyof OpenedSignature]: OpenedSignature[K] } = {
    label,
    signatureKey: key,
    components: input.components.map(componentIdentifier),
    created,
    authority: context.authority,
    base: signatureBase(input, context, aauthProfile),
    signature: value.signature,
    required,
    message,
  }
  if (expires !== undefined) opened.expires = expires
  if (nonce !== undefined) opened.nonce = nonce
  if (algorithm !== undefined) opened.algorithm = algorithm
  if (needs.hasBody) opened.digest = digestOf(message)
  return opened
}

function needsOf(message: ReceivedMessage, { requiredComponents = [] }: OpenOptions): CoverageNeeds {
  return {
    hasQuery: message.target.includes('?'),
    hasBody: hasBody(message),
    additional: requiredComponents,
    has: field => headerValues(message, field).length > 0,
  }
}

function contextOf(message: ReceivedMessage, authority: string, scheme: 'https' | 'http'): RequestContext {
  const { method, target } = message
  return { method, target, scheme, authority, lines: name => headerValues(message, name).map(trimOws) }
}

/**
 * Makes every check of a signed message that needs neither key nor fetch: target, authority, headers, labels, times, covered
 * components and formats.
 * @throws HttpSigError 400 and 421 `invalid_request` for target and authority, 431 for a Signature-Key over 7 KiB, else 401
 * @throws TypeError without an authority, RangeError for a tolerance outside 1 to 300
 * @see protocol §3
 * @example
 * ```ts
 * import { importVerifyKey, openSignature, type ReceivedMessage, verifySignature } from '@countersign/httpsig'
 *
 * export async function signerOf(message: ReceivedMessage): Promise<string> {
 *   const opened = openSignature(message, { authorities: ['calendar.example'], scheme: 'https' })
 *   if (opened.signatureKey.scheme !== 'hwk') throw new Error('only inline keys are accepted here')
 *   const key = await importVerifyKey(opened.signatureKey.jwk)
 *   await verifySignature(opened, key)
 *   return key.thumbprint
 * }
 * ```
 */
export function openSignature(message: ReceivedMessage, options: OpenOptions): OpenedSignature {
  checkOptions('openSignature', options, openChecks)
  checkTolerance(options)
  if (message.headFault !== undefined) throw message.headFault
  checkTarget(message) // sig.target.form
  const authority = chooseAuthority(message, options.authorities, options.scheme)
  const needs = needsOf(message, options)
  const required = requiredComponents(needs)
  try {
    return open(message, { options, context: contextOf(message, authority, options.scheme), needs, required })
  } catch (error) {
    throw withRequired(error, required)
  }
}

/**
 * Opens a whole message whose head was opened before its body arrived. Of the local checks two are repeated: that of the times, since
 * a request counts as received at its last byte, and that of the covered components, since the body may tell that more are required.
 * @param options the options with which the head was opened, but for `requiredComponents`
 * @returns undefined when the message is not the one of the head: then open it anew
 * @throws HttpSigError `invalid_signature` when the signature has become too old, or does not cover what is required
 * @see protocol §3.3, §3.4, §3.5
 */
export function reopenSignature(
  opened: OpenedSignature,
  message: ReceivedMessage,
  options: OpenOptions,
): OpenedSignature | undefined {
  checkOptions('reopenSignature', options, openChecks)
  const head = opened.message
  const isSame = message.headers === head.headers && message.target === head.target && message.method === head.method
  if (!isSame || hasBody(message) !== hasBody(head)) return undefined
  const needs = needsOf(message, options)
  const required = requiredComponents(needs)
  try {
    checkTime(opened.created, opened.expires, options) // sig.created.judged
    checkCoverage(opened.components.filter(isPlain), required, needs) // sig.covered.always
  } catch (error) {
    throw withRequired(error, required)
  }
  return { ...opened, message, required }
}

/** Whether the identifier of a component has no parameters: those with parameters are written with quotes. */
const isPlain = (component: string): boolean => !component.startsWith('"')

/** Adds the components that the signature must cover to a refusal. */
function withRequired(error: unknown, required: readonly string[]): unknown {
  if (!(error instanceof HttpSigError) || error.code !== 'invalid_signature') return error
  const { code, reason, message, cause } = error
  return new HttpSigError(code, message, { reason, cause, required_components: required })
}

/**
 * Verifies an opened signature with a key: `alg` is that of the key, the digest that of the body, and the signature verifies.
 * @throws HttpSigError `invalid_signature`; `unsupported_algorithm` where the key is no point of its curve
 * @see protocol §3, RFC 9421 §3.2
 */
export async function verifySignature(opened: OpenedSignature, key: VerifyKey): Promise<void> {
  const refuse = refusing(opened)
  // The key decides the algorithm. A message that names another one is refused.
  if (opened.algorithm !== undefined && opened.algorithm !== key.algorithm)
    throw refuse('algorithm_mismatched', 'the parameter alg disagrees with the key', {
      parameter: 'alg',
      expected: key.algorithm,
      received: opened.algorithm,
    })
  if (opened.message.body !== undefined) await verifyBody(opened) // sig.digest.match
  if (await key.verify(ascii(opened.base), opened.signature)) return
  checkPoint(key.publicJwk) // sig.alg.points
  throw refuse('signature_wrong', 'the signature does not verify', {
    base: shownBase(opened.base),
    algorithm: key.algorithm,
    thumbprint: key.thumbprint,
    signatureBytes: opened.signature.length,
  })
}

/**
 * Verifies that the digest is that of the body: the rest of {@link verifySignature} when the signature was verified by the head.
 * @throws HttpSigError `invalid_signature`
 */
export async function verifyBody(opened: OpenedSignature): Promise<void> {
  const { body } = opened.message
  if (body === undefined || body.length === 0) return
  if (opened.digest === undefined || !(await matchesContentDigest(opened.digest, body)))
    throw refusing(opened)('digest_wrong', 'Content-Digest is not the digest of the body', {
      component: 'content-digest',
      algorithms: Object.keys(opened.digest ?? {}),
      bodyBytes: body.length,
    })
}

type Refuse = (reason: SignatureReason, description: string, cause: unknown) => HttpSigError

function refusing({ required }: OpenedSignature): Refuse {
  return (reason, description, cause) =>
    new HttpSigError('invalid_signature', description, { reason, cause, required_components: required })
}
