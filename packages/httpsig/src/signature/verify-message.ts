import { checkOptions } from '#check-options'
import { ascii } from '#crypto'
import { componentIdentifier, componentKey, parseComponent } from '../component/component-identifier.js'
import { messageProfile } from '../component/component-profile.js'
import { messageContext } from '../component/message-context.js'
import { resolveComponent } from '../component/resolve-component.js'
import { signatureBase } from '../component/signature-base.js'
import type { Component } from '../component/signature-input.js'
import type { DictionaryLimits } from '../component/structured-field.js'
import type { StructuredFieldTypes } from '../component/structured-field-type.js'
import { matchesContentDigest, parseContentDigest } from '../digest/content-digest.js'
import { refusal } from '../error.js'
import { type Algorithm, algorithmNamed, unsupportedAlgorithm } from '../key/algorithm.js'
import type { VerifyKey } from '../key/verify-key.js'
import type { HeaderLines, HttpMessage } from '../message/http-message.js'
import { headerValues, trimOws } from '../message/received-message.js'
import type { OptionChecks } from '../option/option-check.js'
import {
  dictionaryField,
  type SignatureMember,
  type SignatureParameters,
  signatureBytes,
  signatureMember,
} from './signature-dictionary.js'

/** A signature of a message before it is verified; the key is chosen by it. */
export interface SignatureCandidate {
  readonly label: string
  /** Covered components in order, as Structured Fields text: `"@method"`, `"@query-param";name="a"`. */
  readonly components: readonly string[]
  readonly params: SignatureParameters
}

/** A verified signature. */
export interface VerifiedMessageSignature extends SignatureCandidate {
  readonly key: VerifyKey
  /** The signature base. */
  readonly base: string
  /** Whether the signature covers `content-digest` and that is the digest of the message's `body`; false also when `body` is absent. */
  readonly bodyVerified: boolean
}

/** The options of {@link verifyMessage}. */
export interface VerifyMessageOptions {
  readonly message: HttpMessage
  /** Returns the key of a signature; undefined when the signer is not known. */
  readonly key: (candidate: SignatureCandidate) => VerifyKey | undefined | Promise<VerifyKey | undefined>
  /**
   * Components that each verified signature must cover, in the spellings of {@link SignMessageOptions}. There is no default: a
   * signature must cover every part of the message that is acted on.
   */
  readonly requiredComponents: readonly string[]
  /** Only the signature of this label. */
  readonly label?: string
  /** Only signatures with this `tag`. */
  readonly tag?: string
  /** Highest age of a signature by `created`, in seconds; default 300. */
  readonly maxAge?: number
  /** Tolerated difference between the signer's clock and this one, in seconds; default 30. */
  readonly tolerance?: number
  /** Refuse a signature without `created`; default true. */
  readonly requireCreated?: boolean
  /** Most members and bytes of `Signature-Input` and of `Signature`, over all their lines; default 8 and 8192. */
  readonly limits?: DictionaryLimits
  /** Types of Structured Fields that are covered with `sf` and not in the registry of this package. */
  readonly structuredFields?: StructuredFieldTypes
  /** Unix seconds; default the system clock. */
  readonly now?: () => number
}

/** A misspelt `tag` would accept signatures of every other protocol. */
const checks: OptionChecks<VerifyMessageOptions> = {
  message: 'object',
  key: 'function',
  requiredComponents: 'strings',
  label: 'string',
  tag: 'string',
  maxAge: 'number',
  tolerance: 'number',
  requireCreated: 'boolean',
  limits: { members: 'number', bytes: 'number' },
  structuredFields: 'object',
  now: 'function',
}

interface Policy {
  readonly required: readonly string[]
  readonly now: number
  readonly maxAge: number
  readonly tolerance: number
  readonly requireCreated: boolean
}

function policyOf(options: VerifyMessageOptions): Policy {
  const { maxAge = 300, tolerance = 30, requireCreated = true } = options
  const { limits } = options
  if (limits !== undefined && !(Number.isSafeInteger(limits.members) && Number.isSafeInteger(limits.bytes)))
    throw new RangeError('limits are whole numbers of members and of bytes')
  // NaN would switch the check of times off.
  if (!(maxAge >= 0) || !(tolerance >= 0)) throw new RangeError('maxAge and tolerance must not be negative')
  return {
    required: options.requiredComponents.map(parseComponent).map(componentKey),
    // Whole seconds, as `created` is.
    now: Math.floor(options.now?.() ?? Date.now() / 1000),
    maxAge,
    tolerance,
    requireCreated,
  }
}

function checkTime({ created, expires }: SignatureParameters, policy: Policy): void {
  const { now, maxAge, tolerance } = policy
  if (created === undefined) {
    if (policy.requireCreated) throw refusal('created_missing')
  } else {
    if (created > now + tolerance) throw refusal('created_in_future', { cause: { created, now, tolerance } })
    if (now - created > maxAge + tolerance)
      throw refusal('created_too_old', { cause: { created, now, maxAge, tolerance } })
  }
  if (expires === undefined) return
  if (now > expires + tolerance) throw refusal('signature_expired', { cause: { expires, now, tolerance } })
  if (created !== undefined && expires < created)
    throw refusal('expires_before_created', { cause: { created, expires } })
}

function checkCovered(components: readonly Component[], required: readonly string[]): void {
  const covered = new Set(components.map(componentKey))
  for (const component of required)
    if (!covered.has(component))
      throw refusal('component_not_covered', {
        about: component,
        cause: { component, expected: required, covered: [...covered] },
      })
}

/** The algorithm of the parameter `alg`. @throws HttpSigError `unsupported_algorithm` */
function namedAlgorithm({ alg }: SignatureParameters): Algorithm | undefined {
  if (alg === undefined) return undefined
  const named = algorithmNamed(alg)
  if (named === undefined) throw unsupportedAlgorithm()
  return named
}

function checkAlgorithm(parameters: SignatureParameters, key: VerifyKey): void {
  const named = namedAlgorithm(parameters)
  if (named === undefined) return
  // The key decides the algorithm. A message that names another one is refused.
  if (named !== key.algorithm)
    throw refusal('algorithm_mismatched', { cause: { expected: key.algorithm, algorithm: named } })
}

/** Whether the signature covers the digest of the body. @throws HttpSigError when the digest is not that of the body */
async function checkBody(components: readonly Component[], { headers, body }: HttpMessage): Promise<boolean> {
  const covers = components.some(({ name, parameters }) => name === 'content-digest' && !parameters?.has('req'))
  if (!covers || body === undefined) return false
  const lines = headerValues({ headers }, 'content-digest').map(trimOws)
  if (!(await matchesContentDigest(parseContentDigest(lines.join(', ')), body))) throw refusal('digest_wrong')
  return true
}

function candidateOf({ label, components, parameters }: SignatureMember): SignatureCandidate {
  return {
    label,
    // bound: one call
    components: components.map(component => componentIdentifier({ parameters: new Map(), ...component })),
    params: parameters,
  }
}

/** The members of Signature-Input with the requested label and tag. @throws HttpSigError when there is none */
function selectMembers({ message, label, tag, limits }: VerifyMessageOptions): SignatureMember[] {
  const inputs = dictionaryField(message.headers, 'signature-input', limits)
  const members: SignatureMember[] = []
  for (const [name, member] of inputs) {
    if (label !== undefined && name !== label) continue
    // Signatures with another tag are ignored.
    if (tag !== undefined && member.member[1].get('tag') !== tag) continue
    members.push(signatureMember(name, member))
  }
  if (members.length === 0)
    throw refusal('signature_missing', { cause: { expected: { label, tag }, labels: [...inputs.keys()] } })
  return members
}

/**
 * The signatures of a message with a `tag`, before a key is looked up for any of them.
 * @throws HttpSigError when one of them is malformed, or of an algorithm that is not supported
 */
export function signaturesTagged(headers: HeaderLines, tag: string): SignatureCandidate[] {
  const inputs = [...dictionaryField(headers, 'signature-input')]
  const tagged = inputs.filter(([, { member }]) => member[1].get('tag') === tag)
  if (tagged.length === 0) return []
  const signatures = dictionaryField(headers, 'signature')
  return tagged.map(([label, member]) => {
    signatureBytes(label, signatures.get(label))
    const read = signatureMember(label, member)
    namedAlgorithm(read.parameters)
    return candidateOf(read)
  })
}

/** The value of a component in the signature base of a message. @throws HttpSigError when the message does not have it */
export function componentValue(message: HttpMessage, component: string): string {
  return resolveComponent(parseComponent(component), messageContext(message), messageProfile())
}

async function verifyMember(
  member: SignatureMember,
  signature: Uint8Array,
  { options, policy }: { readonly options: VerifyMessageOptions; readonly policy: Policy },
): Promise<VerifiedMessageSignature | undefined> {
  const { message } = options
  const candidate = candidateOf(member)
  const key = await options.key(candidate)
  if (key === undefined) return undefined
  checkTime(member.parameters, policy)
  checkCovered(member.components, policy.required)
  checkAlgorithm(member.parameters, key)
  const base = signatureBase(member, messageContext(message), messageProfile(options.structuredFields))
  if (!(await key.verify(ascii(base), signature)))
    throw refusal('signature_wrong', { cause: { label: member.label, base, algorithm: key.algorithm } })
  return { ...candidate, key, base, bodyVerified: await checkBody(member.components, message) }
}

/**
 * Verifies the signatures of a request or response. All signatures with the requested label and tag for which `key` returns a key must
 * verify, and there must be at least one. When the message has a `body` and a signature covers `content-digest`, the digest must be
 * that of the body. Replays are not detected: an action that must happen only once needs a nonce or a replay set.
 * @throws HttpSigError `invalid_signature`, `unsupported_algorithm` for an unknown `alg`, or `invalid_request` for a covered header with a
 * line break; the facts are in `cause`, for a wrong signature with its base
 * @throws TypeError for malformed `requiredComponents`, RangeError for a negative `maxAge` or `tolerance`, or fractional `limits`
 * @see RFC 9421 §3.2
 * @example
 * ```ts
 * import { fetchRequestMessage, type VerifyKey, verifyMessage } from '@countersign/httpsig'
 *
 * export async function signedBy(request: Request, keys: ReadonlyMap<string, VerifyKey>): Promise<string> {
 *   const [signature] = await verifyMessage({
 *     message: fetchRequestMessage(request),
 *     key: ({ params }) => keys.get(params.keyid ?? ''),
 *     requiredComponents: ['@method', '@authority', '@path'],
 *     maxAge: 60,
 *   })
 *   return signature.key.thumbprint
 * }
 * ```
 */
export async function verifyMessage(
  options: VerifyMessageOptions,
): Promise<readonly [VerifiedMessageSignature, ...VerifiedMessageSignature[]]> {
  checkOptions('verifyMessage', options, checks, ['message', 'key', 'requiredComponents'])
  const policy = policyOf(options)
  const members = selectMembers(options)
  const signatures = dictionaryField(options.message.headers, 'signature', options.limits)
  const verified: VerifiedMessageSignature[] = []
  for (const member of members) {
    const bytes = signatureBytes(member.label, signatures.get(member.label))
    const signature = await verifyMember(member, bytes, { options, policy })
    if (signature !== undefined) verified.push(signature)
  }
  const [first, ...others] = verified
  if (first === undefined)
    throw refusal('key_unknown', {
      about: 'for any of the signatures',
      cause: { labels: members.map(({ label }) => label) },
    })
  return [first, ...others]
}
