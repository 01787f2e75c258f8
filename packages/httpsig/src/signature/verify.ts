import { checkOptions } from '#check-options'
import { ascii } from '#crypto'
import { componentIdentifier } from '../component/component-identifier.js'
import { aauthProfile } from '../component/component-profile.js'
import {
  type CoverageNeeds,
  checkCoverage,
  coveredWithoutBody,
  requiredComponents,
} from '../component/covered-components.js'
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
import { type ContentDigest, matchesContentDigest } from '../digest/content-digest.js'
import { HttpSigError, refusal, restated } from '../error.js'
import { type Algorithm, algorithmNamed, unsupportedAlgorithm } from '../key/algorithm.js'
import { checkPoint } from '../key/key.js'
import type { VerifyKey } from '../key/verify-key.js'
import { chooseAuthority } from '../message/authority.js'
import { hasBody, headerValues, type ReceivedMessage, readBody } from '../message/received-message.js'
import { checkTarget } from '../message/request-target.js'
import type { OptionChecks } from '../option/option-check.js'
import { contextOf, digestOf, needsOf } from './message-facts.js'
import { parseSignatureKey, type SignatureKey } from './signature-key.js'
import { joinedLines, onlyLine } from './signature-lines.js'
import { parseSignatureValue } from './signature-value.js'
import { checkTime, checkTolerance } from './times.js'

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
  /** Of an unread message: the refusal of its first byte of a body, which the signature does not cover. */
  readonly refusedByte?: unknown
  /** Every component name this request must cover. */
  readonly required: readonly string[]
  readonly message: ReceivedMessage
  readonly options: OpenOptions
}

/** A misspelt option would be ignored, and its check left out. */
export const openChecks: OptionChecks<OpenOptions> = {
  authorities: 'strings',
  scheme: ['https', 'http'],
  now: 'function',
  tolerance: 'number',
  requiredComponents: 'strings',
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
  checkTarget(message) // sig.target.form
  const authority = chooseAuthority(message, options.authorities, options.scheme)
  const openAs = (body: 'body' | 'no body'): OpenedSignature => open(message, { options, authority, body })
  if (message.unread !== undefined) return openUnread(message, openAs)
  return openAs(hasBody(message) ? 'body' : 'no body')
}

/** Opens the head of a message: as one with a body if that can be right, else as one without, whose first byte of a body is refused. */
function openUnread(message: ReceivedMessage, openAs: (body: 'body' | 'no body') => OpenedSignature): OpenedSignature {
  try {
    return openAs('body')
  } catch (refusedByte) {
    if (headerValues(message, 'content-digest').length === 0) return { ...openAs('no body'), refusedByte }
    try {
      return { ...openAs('no body'), refusedByte }
    } catch {
      throw refusedByte
    }
  }
}

/**
 * Verifies an opened signature with a key, and the body by its digest: it is read now where it was not.
 * @throws HttpSigError `invalid_signature`; `unsupported_algorithm` where the key is no point of its curve; 413 and 400 for a body that
 * cannot be read
 * @see protocol §3, RFC 9421 §3.2
 */
export async function verifySignature(opened: OpenedSignature, key: VerifyKey): Promise<void> {
  await proveSignature(opened, key)
  await verifyBody(opened)
}

/**
 * Verifies the signature alone: `alg` is that of the key, and the signature verifies. {@link verifyBody} is the rest.
 * @throws HttpSigError
 */
export async function proveSignature(opened: OpenedSignature, key: VerifyKey): Promise<void> {
  const { required: required_components } = opened
  // The key decides the algorithm. A message that names another one is refused.
  if (opened.algorithm !== undefined && opened.algorithm !== key.algorithm)
    throw refusal('algorithm_mismatched', {
      required_components,
      cause: { parameter: 'alg', expected: key.algorithm, received: opened.algorithm },
    })
  if (await key.verify(ascii(opened.base), opened.signature)) return
  checkPoint(key.publicJwk) // sig.alg.points
  throw refusal('signature_wrong', {
    required_components,
    cause: {
      base: shownBase(opened.base),
      algorithm: key.algorithm,
      thumbprint: key.thumbprint,
      signatureBytes: opened.signature.length,
    },
  })
}

/**
 * Verifies the body of an opened message, which is read now where it was not: the digest is that of the body, and a request counts as
 * received at its last byte, so its times are judged again.
 * @returns the opened message with its body
 * @throws HttpSigError
 * @see protocol §3.3, §3.4, §3.5
 */
export async function verifyBody(opened: OpenedSignature): Promise<OpenedSignature> {
  if (opened.message.unread === undefined) {
    await checkDigest(opened)
    return opened
  }
  await checkFirstByte(opened)
  const whole = { ...opened, message: await readBody(opened.message) }
  try {
    checkTime(opened.created, opened.expires, opened.options) // sig.created.judged
  } catch (error) {
    throw withRequired(error, opened.required)
  }
  if (whole.message.body === undefined && opened.digest !== undefined) throw digestWithoutBody(opened)
  await checkDigest(whole) // sig.digest.match
  return whole
}

/** As for a message that is opened with its body: names what the signature of one without must cover. */
function digestWithoutBody({ message, options }: OpenedSignature): unknown {
  return withRequired(coveredWithoutBody(), requiredComponents(needsOf(message, { options, body: 'no body' })))
}

/** Refuses the first byte of a body that the signature does not cover, without reading more. @throws HttpSigError */
export async function checkFirstByte({ message, refusedByte }: OpenedSignature): Promise<void> {
  if (refusedByte !== undefined && (await message.unread?.hasByte())) throw refusedByte // DIG-12
}

async function checkDigest(opened: OpenedSignature): Promise<void> {
  const { body } = opened.message
  if (body === undefined || body.length === 0) return
  if (opened.digest === undefined || !(await matchesContentDigest(opened.digest, body)))
    throw refusal('digest_wrong', {
      required_components: opened.required,
      cause: { component: 'content-digest', algorithms: Object.keys(opened.digest ?? {}), bodyBytes: body.length },
    })
}

/**
 * Refuses an opened message whose signature leaves out components that a route demands beyond those that it was opened with.
 * @throws HttpSigError `component_not_covered`
 */
export function checkCovers(opened: OpenedSignature, components: readonly string[]): void {
  const { message, options } = opened
  const body = opened.digest === undefined && message.dangerouslyUnseenBody !== true ? 'no body' : 'body'
  const needs = needsOf(message, { options: { ...options, requiredComponents: components }, body })
  const required = requiredComponents(needs)
  try {
    checkCoverage(opened.components.filter(isPlain), required, needs) // sig.covered.always
  } catch (error) {
    throw withRequired(error, required)
  }
}

/** Whether the identifier of a component has no parameters: those with parameters are written with quotes. */
const isPlain = (component: string): boolean => !component.startsWith('"')

interface Opening {
  readonly options: OpenOptions
  readonly authority: string
  readonly body: 'body' | 'no body'
}

function plainNames(components: readonly Component[]): string[] {
  return components.filter(component => !component.parameters).map(component => component.name)
}

function open(message: ReceivedMessage, { options, authority, body }: Opening): OpenedSignature {
  const needs = needsOf(message, { options, body })
  const required = requiredComponents(needs)
  try {
    return openNeeding(message, { options, context: contextOf(message, authority, options.scheme), needs, required })
  } catch (error) {
    throw withRequired(error, required)
  }
}

interface Needing {
  readonly options: OpenOptions
  readonly context: RequestContext
  readonly needs: CoverageNeeds
  readonly required: readonly string[]
}

function openNeeding(message: ReceivedMessage, { options, context, needs, required }: Needing): OpenedSignature {
  const { label, key } = parseSignatureKey(onlyLine(message, 'signature-key'))
  const input = parseSignatureInput(joinedLines(message, 'signature-input'), label)
  const value = parseSignatureValue(joinedLines(message, 'signature'), label)
  // Signatures of other protocols have a tag: they must not count as signatures of this protocol.
  if (input.values.has('tag')) throw refusal('signature_tagged', { cause: { parameter: 'tag' } })
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
    options,
  }
  if (expires !== undefined) opened.expires = expires
  if (nonce !== undefined) opened.nonce = nonce
  if (algorithm !== undefined) opened.algorithm = algorithm
  if (needs.hasBody) opened.digest = digestOf(message)
  return opened
}

function namedAlgorithm(input: SignatureInput): Algorithm | undefined {
  const name = stringParameter(input, 'alg')
  if (name === undefined) return undefined
  const algorithm = algorithmNamed(name)
  if (algorithm === undefined) throw unsupportedAlgorithm()
  return algorithm
}

/** Adds the components that the signature must cover to a refusal. */
function withRequired(error: unknown, required: readonly string[]): unknown {
  if (!(error instanceof HttpSigError) || error.code !== 'invalid_signature') return error
  return restated(error, { required_components: required })
}
