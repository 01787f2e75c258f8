import { type BareItem, type Parameters, serializeInnerList } from 'structured-headers'
import { base64Encode } from '#base64url'
import { checkOptions } from '#check-options'
import { ascii } from '#crypto'
import { parseComponent } from '../component/component-identifier.js'
import { messageProfile } from '../component/component-profile.js'
import { messageContext } from '../component/message-context.js'
import { signatureBase } from '../component/signature-base.js'
import { type Component, componentLimit } from '../component/signature-input.js'
import { isLabel } from '../component/structured-field.js'
import type { StructuredFieldTypes } from '../component/structured-field-type.js'
import { refusal } from '../error.js'
import { algorithmNamed } from '../key/algorithm.js'
import type { SigningKey } from '../key/key.js'
import { signBytes } from '../key/sign-bytes.js'
import type { HttpMessage } from '../message/http-message.js'
import type { OptionChecks } from '../option/option-check.js'
import { dictionaryField, type SignatureParameters } from './signature-dictionary.js'

/** The options of {@link signMessage}. */
export interface SignMessageOptions {
  readonly message: HttpMessage
  readonly key: SigningKey
  /** Covered components in order: `@method`, `content-type`, or with parameters `"@query-param";name="a"`, `"@method";req`. */
  readonly components: readonly string[]
  /**
   * Signature parameters, written in the order given. Without `created` the time of `now` is written first; `created: null` leaves it
   * out. `alg`, in JOSE's or RFC 9421's spelling, must be the algorithm of the key.
   */
  readonly params?: Omit<SignatureParameters, 'created'> & { readonly created?: number | null }
  /** The label of the signature, unique in the message; default `sig`. */
  readonly label?: string
  /** Types of Structured Fields that are covered with `sf` and not in the registry of this package. */
  readonly structuredFields?: StructuredFieldTypes
  /** Unix seconds; default the system clock. */
  readonly now?: () => number
}

const checks: OptionChecks<SignMessageOptions> = {
  message: 'object',
  key: 'object',
  components: 'strings',
  // Each parameter is checked when it is written.
  params: 'object',
  label: 'string',
  structuredFields: 'object',
  now: 'function',
}

const stringText = /^[\x20-\x7e]*$/
const strings: readonly string[] = ['nonce', 'alg', 'keyid', 'tag']

function checkParameter(name: string, value: unknown): BareItem {
  if (name === 'created' || name === 'expires') {
    if (typeof value === 'number' && Number.isInteger(value) && Math.abs(value) < 1e15) return value
    throw new TypeError('created and expires must be whole Unix seconds')
  }
  if (strings.includes(name) && typeof value === 'string' && stringText.test(value)) return value
  throw new TypeError('a signature parameter is unknown or not printable ASCII')
}

function parametersOf({ params = {}, key, now }: SignMessageOptions): Parameters {
  // bound: one call
  const parameters: Parameters = new Map()
  if (params.created === undefined) parameters.set('created', Math.floor(now?.() ?? Date.now() / 1000))
  for (const [name, value] of Object.entries(params)) {
    if (value !== undefined && !(name === 'created' && value === null))
      parameters.set(name, checkParameter(name, value))
  }
  if (params.alg !== undefined && algorithmNamed(params.alg) !== key.algorithm)
    throw new TypeError("alg is not the key's algorithm")
  return parameters
}

/** Refuses `signature` and `signature-input` as a whole: the signature would have to cover itself. */
function checkSelf({ name, parameters }: Component): void {
  if ((name === 'signature' || name === 'signature-input') && !parameters?.has('key') && !parameters?.has('req'))
    throw refusal('component_unsupported', {
      about: 'signature and signature-input can only be covered with key or req',
      cause: { component: name },
    })
}

/**
 * Signs a request or response and returns two lines, `signature-input` and `signature`. Add them to lines of the same name, do not
 * replace those: a message can have several signatures.
 * @throws TypeError for malformed components, parameters or label, or a label that the message already has
 * @throws HttpSigError `invalid_signature` when a component is unknown, not in the message, or the signature itself; `cause` names it.
 * `invalid_request` for a covered header with a line break
 * @throws SigningKeyError when the key fails or takes longer than 5 seconds
 * @see RFC 9421 §3.1
 * @example
 * ```ts
 * import { fetchRequestMessage, generateSigningKey, signMessage } from '@countersign/httpsig'
 *
 * const request = new Request('https://example.com/hook?id=1')
 * const added = await signMessage({
 *   message: fetchRequestMessage(request),
 *   key: await generateSigningKey(),
 *   components: ['@method', '@authority', '@path', '"@query-param";name="id"'],
 *   params: { keyid: 'hooks-1' },
 * })
 * for (const [name, value] of added) request.headers.append(name, value)
 * ```
 */
export async function signMessage(options: SignMessageOptions): Promise<Array<readonly [string, string]>> {
  checkOptions('signMessage', options, checks, ['message', 'key', 'components'])
  const { message, key, label = 'sig' } = options
  if (!isLabel(label)) throw new TypeError('the label must be a Structured Fields key of at most 64 characters')
  for (const name of ['signature', 'signature-input'])
    if (dictionaryField(message.headers, name).has(label))
      throw new TypeError('the message has a signature of this label')
  const components = options.components.map(parseComponent)
  if (components.length > componentLimit) throw new TypeError('more than 32 components would be covered')
  for (const component of components) checkSelf(component)
  // bound: one call
  const input = serializeInnerList([
    components.map(({ name, parameters }) => [name, parameters ?? new Map()]),
    parametersOf(options),
  ])
  const profile = messageProfile(options.structuredFields)
  const base = signatureBase({ components, text: input }, messageContext(message), profile)
  const signature = await signBytes(key, ascii(base))
  return [
    ['signature-input', `${label}=${input}`],
    ['signature', `${label}=:${base64Encode(signature)}:`],
  ]
}
