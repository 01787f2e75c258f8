import { type Parameters, serializeInnerList } from 'structured-headers'
import { checkOptions } from '#check-options'
import { componentIdentifier, parseComponent } from '../component/component-identifier.js'
import { componentsOf } from '../component/signature-input.js'
import { holdsMisreadNumber, isLabel } from '../component/structured-field.js'
import type { StructuredFieldTypes } from '../component/structured-field-type.js'
import { HttpSigError, refusal } from '../error.js'
import { algorithmNamed } from '../key/algorithm.js'
import type { SigningKey } from '../key/key.js'
import type { HttpMessage } from '../message/http-message.js'
import { each, type OptionChecks } from '../option/option-check.js'
import { signMessage } from './sign-message.js'
import { dictionaryField, type SignatureParameters } from './signature-dictionary.js'

/** A request for a signature: one member of Accept-Signature. */
export interface SignatureRequest {
  readonly label: string
  /** Components to cover, in order, as Structured Fields text. */
  readonly components: readonly string[]
  /** Whether the creation time is requested. */
  readonly created?: true
  /** Whether an expiry time is requested. */
  readonly expires?: true
  readonly nonce?: string
  readonly alg?: string
  readonly keyid?: string
  readonly tag?: string
  /** Names of requested parameters that RFC 9421 does not define. */
  readonly unknown?: readonly string[]
}

type Asked = { -readonly [K in keyof SignatureRequest]: SignatureRequest[K] }

function readParameters(asked: Asked, parameters: Parameters): void {
  // bound: one call
  const unknown: string[] = []
  for (const [name, value] of parameters) {
    if (name === 'created' || name === 'expires') {
      if (value !== true)
        throw refusal('signature_parameter_malformed', {
          about: 'created and expires have no value in Accept-Signature',
          cause: { parameter: name },
        })
      asked[name] = true
    } else if (name === 'nonce' || name === 'alg' || name === 'keyid' || name === 'tag') {
      if (typeof value !== 'string')
        throw refusal('signature_parameter_malformed', { about: 'it must be a String', cause: { parameter: name } })
      asked[name] = value
    } else unknown.push(name)
  }
  if (unknown.length > 0) asked.unknown = unknown
}

/**
 * Reads the lines of Accept-Signature, in the order received.
 * @throws HttpSigError `invalid_signature` when they are malformed, repeat a label or parameter, or are over 8 KiB or 16 members
 * @see RFC 9421 §5.1
 */
export function parseAcceptSignature(...lines: readonly string[]): SignatureRequest[] {
  const name = 'accept-signature'
  const members = dictionaryField(
    lines.map(line => [name, line] as const),
    name,
    { members: 16, bytes: 8 * 1024 },
  )
  return [...members].map(([label, { member, text }]) => {
    if (!isLabel(label) || holdsMisreadNumber(text))
      throw refusal('signature_header_malformed', { about: 'Accept-Signature has no single reading', cause: { label } })
    const components = componentsOf(label, member)
    // It is the last line of every signature base, and never listed as a component (§2.3).
    if (components.some(component => component.name === '@signature-params'))
      throw refusal('component_unsupported', { about: '@signature-params', cause: { label } })
    const asked: Asked = {
      label,
      // bound: one call
      components: components.map(component => componentIdentifier({ parameters: new Map(), ...component })),
    }
    readParameters(asked, member[1])
    return asked
  })
}

function parametersOf(request: SignatureRequest): Parameters {
  // bound: one call
  const parameters: Parameters = new Map()
  for (const [name, value] of Object.entries(request)) {
    if (name === 'created' || name === 'expires') {
      if (value !== true) throw new TypeError('created and expires must be true: they can only be requested')
      parameters.set(name, true)
    } else if (name === 'nonce' || name === 'alg' || name === 'keyid' || name === 'tag') parameters.set(name, value)
  }
  return parameters
}

/**
 * Writes an Accept-Signature value, parameters in the order given.
 * @throws TypeError for malformed components, repeated labels, or values that cannot be serialised
 * @see RFC 9421 §5.1
 */
export function serializeAcceptSignature(requests: readonly SignatureRequest[]): string {
  const labels = new Set(requests.map(({ label }) => label))
  if (labels.size !== requests.length || ![...labels].every(isLabel))
    throw new TypeError('labels must be Structured Fields keys, each once')
  return requests
    .map(request => {
      const components = request.components.map(parseComponent)
      try {
        // bound: one call
        return `${request.label}=${serializeInnerList([
          components.map(({ name, parameters }) => [name, parameters ?? new Map()]),
          parametersOf(request),
        ])}`
      } catch (cause) {
        throw new TypeError('a parameter or component cannot be written', { cause })
      }
    })
    .join(', ')
}

/** The key for a requested signature. */
export interface AnsweringKey {
  readonly key: SigningKey
  /** The value of `keyid`; without it the signature has no `keyid`. */
  readonly keyid?: string
}

/** Why a requested signature was not made. */
export type RefusedRequest = 'label' | 'key' | 'keyid' | 'alg' | 'parameter' | 'component'

/** The result of {@link answerAcceptSignature}. */
export interface AcceptSignatureAnswer {
  /** Lines to add to the message. */
  readonly lines: ReadonlyArray<readonly [string, string]>
  /** By label, the requests that were refused: label taken, no key, another keyid or alg, an unknown parameter, a component that the message does not have. */
  readonly refused: ReadonlyArray<{ readonly label: string; readonly reason: RefusedRequest; readonly cause?: unknown }>
}

/** The options of {@link answerAcceptSignature}. */
export interface AnswerOptions {
  /** The message to sign. */
  readonly message: HttpMessage
  readonly requests: readonly SignatureRequest[]
  /**
   * Returns the key for a request, or undefined to refuse it. The other side chooses components, nonce and tag: return a key only
   * for requests that it may have signed, or it can have anything signed.
   */
  readonly key: (request: SignatureRequest) => AnsweringKey | undefined | Promise<AnsweringKey | undefined>
  /** Seconds until `expires`, when that is requested; default 300. */
  readonly expiresIn?: number
  /** Types of Structured Fields that are covered with `sf` and not in the registry of this package. */
  readonly structuredFields?: StructuredFieldTypes
  /** Unix seconds; default the system clock. */
  readonly now?: () => number
}

type Refused = AcceptSignatureAnswer['refused'][number]

function findRefusal(
  request: SignatureRequest,
  message: HttpMessage,
  answering: AnsweringKey | undefined,
): Refused | undefined {
  const { label, alg, keyid, unknown } = request
  if (['signature', 'signature-input'].some(name => dictionaryField(message.headers, name).has(label)))
    return { label, reason: 'label' }
  if (unknown !== undefined) return { label, reason: 'parameter', cause: { unknown } }
  if (answering === undefined) return { label, reason: 'key' }
  if (keyid !== undefined && keyid !== answering.keyid) return { label, reason: 'keyid' }
  const { algorithm } = answering.key
  if (alg !== undefined && algorithmNamed(alg) !== algorithm)
    return { label, reason: 'alg', cause: { expected: algorithm } }
  return undefined
}

function paramsOf(request: SignatureRequest, keyid: string | undefined, options: AnswerOptions): SignatureParameters {
  const { nonce, alg, tag } = request
  const created = Math.floor(options.now?.() ?? Date.now() / 1000)
  return {
    created,
    ...(request.expires === true ? { expires: created + (options.expiresIn ?? 300) } : {}),
    ...(nonce === undefined ? {} : { nonce }),
    ...(alg === undefined ? {} : { alg }),
    ...(keyid === undefined ? {} : { keyid }),
    ...(tag === undefined ? {} : { tag }),
  }
}

const answerChecks: OptionChecks<AnswerOptions> = {
  message: 'object',
  requests: each('object'),
  key: 'function',
  expiresIn: 'number',
  structuredFields: 'object',
  now: 'function',
}

/**
 * Signs a message as Accept-Signature requests, once for each request, or returns why a request was refused. `created` is always
 * written.
 * @throws HttpSigError when the message's own signature headers are malformed
 * @see RFC 9421 §5.2
 */
export async function answerAcceptSignature(options: AnswerOptions): Promise<AcceptSignatureAnswer> {
  checkOptions('answerAcceptSignature', options, answerChecks, ['message', 'requests', 'key'])
  const lines: Array<readonly [string, string]> = []
  const refused: Refused[] = []
  const { message, structuredFields } = options
  const types = structuredFields === undefined ? {} : { structuredFields }
  for (const request of options.requests) {
    const { label, components } = request
    const answering = await options.key(request)
    const refusedBefore = findRefusal(request, message, answering)
    if (answering === undefined || refusedBefore !== undefined) {
      refused.push(refusedBefore ?? { label, reason: 'key' })
      continue
    }
    const params = paramsOf(request, answering.keyid, options)
    try {
      lines.push(...(await signMessage({ message, key: answering.key, label, components, params, ...types })))
    } catch (error) {
      if (!(error instanceof HttpSigError)) throw error
      refused.push({ label, reason: 'component', cause: error.cause })
    }
  }
  return { lines, refused }
}
