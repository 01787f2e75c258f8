import { type BareItem, type Parameters, serializeInnerList } from 'structured-headers'
import { base64Encode } from '#base64url'
import { checkOptions } from '#check-options'
import { ascii } from '#crypto'
import { signBytes } from '#sign-bytes'
import { parseComponent } from '../component/component-identifier.js'
import { messageProfile } from '../component/component-profile.js'
import { messageContext } from '../component/message-context.js'
import { signatureBase } from '../component/signature-base.js'
import { type Component, componentLimit } from '../component/signature-input.js'
import { isLabel, malformed } from '../component/structured-field.js'
import type { StructuredFieldTypes } from '../component/structured-field-type.js'
import { algorithmNamed } from '../key/algorithm.js'
import type { SigningKey } from '../key/key.js'
import type { HttpMessage } from '../message/http-message.js'
import type { OptionChecks } from '../option/option-check.js'
import { dictionaryField, type SignatureParameters } from './signature-dictionary.js'

/** What is signed, and with what. */
export interface SignMessageOptions {
  readonly message: HttpMessage
  readonly key: SigningKey
  /** Covered components in order: `@method`, `content-type`, or with parameters `"@query-param";name="a"`, `"@method";req`. */
  readonly components: readonly string[]
  /**
   * Signature parameters; they are written in the order given here. Without `created` the time of `now` is taken, as the first;
   * `created: null` leaves it out. `alg`, in JOSE's or RFC 9421's spelling, must be the key's.
   */
  readonly params?: Omit<SignatureParameters, 'created'> & { readonly created?: number | null }
  /** Names this signature among those of the message; default `sig`. */
  readonly label?: string
  /** Types of Structured Fields covered with `sf` that this package does not know. */
  readonly structuredFields?: StructuredFieldTypes
  /** Unix seconds; default the system clock. */
  readonly now?: () => number
}

const checks: OptionChecks<SignMessageOptions> = {
  message: 'object',
  key: 'object',
  components: 'strings',
  // Each parameter is judged where it is written.
  params: 'object',
  label: 'string',
  structuredFields: 'object',
  now: 'function',
}

const stringText = /^[\x20-\x7e]*$/
const strings: readonly string[] = ['nonce', 'alg', 'keyid', 'tag']

function checked(name: string, value: unknown): BareItem {
  if (name === 'created' || name === 'expires') {
    if (typeof value === 'number' && Number.isInteger(value) && Math.abs(value) < 1e15) return value
    throw new TypeError('created and expires must be whole Unix seconds')
  }
  if (strings.includes(name) && typeof value === 'string' && stringText.test(value)) return value
  throw new TypeError('a signature parameter is unknown or not printable ASCII')
}

function parametersOf({ params = {}, key, now }: SignMessageOptions): Parameters {
  const parameters: Parameters = new Map()
  if (params.created === undefined) parameters.set('created', Math.floor(now?.() ?? Date.now() / 1000))
  for (const [name, value] of Object.entries(params)) {
    if (value !== undefined && !(name === 'created' && value === null)) parameters.set(name, checked(name, value))
  }
  if (params.alg !== undefined && algorithmNamed(params.alg) !== key.algorithm)
    throw new TypeError("alg is not the key's algorithm")
  return parameters
}

/** A signature cannot cover itself, and one over the whole of these headers would. */
function checkSelf({ name, parameters }: Component): void {
  if ((name === 'signature' || name === 'signature-input') && !parameters?.has('key') && !parameters?.has('req'))
    throw malformed('signature and signature-input can be covered only by key, or of the request', { component: name })
}

/**
 * Signs a request or response and returns the two lines to add, `signature-input` and `signature`. Add them, do not replace:
 * the lines of a second signature join those of the first.
 * @throws TypeError for malformed components, parameters or label, or a label that the message already has
 * @throws HttpSigError `invalid_signature` when a component is unknown, not in the message, or the signature itself; which one is in `cause`. `invalid_request` for a
 * covered header with a line break
 * @throws SigningKeyError when the key fails or takes longer than 5 seconds
 * @see RFC 9421 §3.1
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
