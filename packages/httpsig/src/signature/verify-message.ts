import { checkOptions } from '#check-options'
import { ascii } from '#crypto'
import { componentIdentifier, componentKey, parseComponent } from '../component/component-identifier.js'
import { messageProfile } from '../component/component-profile.js'
import { messageContext } from '../component/message-context.js'
import { signatureBase } from '../component/signature-base.js'
import type { Component } from '../component/signature-input.js'
import { type DictionaryLimits, malformed } from '../component/structured-field.js'
import type { StructuredFieldTypes } from '../component/structured-field-type.js'
import { matchesContentDigest, parseContentDigest } from '../digest/content-digest.js'
import { HttpSigError } from '../error.js'
import { algorithmNamed, unsupportedAlgorithm } from '../key/algorithm.js'
import type { VerifyKey } from '../key/verify-key.js'
import type { HttpMessage } from '../message/http-message.js'
import { headerValues, trimOws } from '../message/received-message.js'
import type { OptionChecks } from '../option/option-check.js'
import {
  dictionaryField,
  type SignatureMember,
  type SignatureParameters,
  signatureBytes,
  signatureMember,
} from './signature-dictionary.js'

/** A signature of a message, not verified yet: what a key is chosen by. */
export interface SignatureCandidate {
  readonly label: string
  /** Covered components in order, as Structured Fields text: `"@method"`, `"@query-param";name="a"`. */
  readonly components: readonly string[]
  readonly params: SignatureParameters
}

/** A signature that holds. */
export interface VerifiedMessageSignature extends SignatureCandidate {
  readonly key: VerifyKey
  /** The signature base: what the key has signed. */
  readonly base: string
  /** Whether the signature covers `content-digest` and that is the digest of the message's `body`; false also when `body` is absent. */
  readonly bodyVerified: boolean
}

/** What a message is verified against. */
export interface VerifyMessageOptions {
  readonly message: HttpMessage
  /** The key of a signature; undefined when it is nobody's that is known here. */
  readonly key: (candidate: SignatureCandidate) => VerifyKey | undefined | Promise<VerifyKey | undefined>
  /**
   * Components that each verified signature must cover, in the spellings of {@link SignMessageOptions}. A signature that covers
   * less than what the message is used for protects nothing, so there is no default.
   */
  readonly requiredComponents: readonly string[]
  /** Only the signature of this label. */
  readonly label?: string
  /** Only signatures with this `tag`. */
  readonly tag?: string
  /** How old a signature may be, seconds, by `created`; default 300. */
  readonly maxAge?: number
  /** How far the signer's clock may be from this one, seconds; default 30. */
  readonly tolerance?: number
  /** Refuse a signature without `created`; default true. */
  readonly requireCreated?: boolean
  /** Most members and bytes of `Signature-Input` and of `Signature`, over all their lines; default 8 and 8192. */
  readonly limits?: DictionaryLimits
  /** Types of Structured Fields covered with `sf` that this package does not know. */
  readonly structuredFields?: StructuredFieldTypes
  /** Unix seconds; default the system clock. */
  readonly now?: () => number
}

/** A misspelt `tag` would let signatures of every other protocol count. */
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
  // NaN would silently switch the time check off.
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
    if (policy.requireCreated) throw malformed('the parameter created is missing')
  } else {
    if (created > now + tolerance) throw malformed('created is in the future', { created, now, tolerance })
    if (now - created > maxAge + tolerance)
      throw malformed('the signature is too old', { created, now, maxAge, tolerance })
  }
  if (expires === undefined) return
  if (now > expires + tolerance) throw malformed('the signature has expired', { expires, now, tolerance })
  if (created !== undefined && expires < created) throw malformed('expires is before created', { created, expires })
}

function checkCovered(components: readonly Component[], required: readonly string[]): void {
  const covered = new Set(components.map(componentKey))
  for (const component of required)
    if (!covered.has(component))
      throw malformed('a required component is not covered', { component, expected: required, covered: [...covered] })
}

function checkAlgorithm({ alg }: SignatureParameters, key: VerifyKey): void {
  if (alg === undefined) return
  const named = algorithmNamed(alg)
  if (named === undefined) throw unsupportedAlgorithm('the parameter alg names an algorithm that is not supported')
  // The key decides the algorithm; a message that names another is refused, never obeyed.
  if (named !== key.algorithm)
    throw malformed('the parameter alg disagrees with the key', { expected: key.algorithm, algorithm: named })
}

/** Whether the message's body is the one whose digest is covered. @throws HttpSigError when it is another */
async function checkBody(components: readonly Component[], { headers, body }: HttpMessage): Promise<boolean> {
  const covers = components.some(({ name, parameters }) => name === 'content-digest' && !parameters?.has('req'))
  if (!covers || body === undefined) return false
  const lines = headerValues({ headers }, 'content-digest').map(trimOws)
  if (!(await matchesContentDigest(parseContentDigest(lines.join(', ')), body)))
    throw malformed('Content-Digest is not the digest of the body')
  return true
}

function candidateOf({ label, components, parameters }: SignatureMember): SignatureCandidate {
  return {
    label,
    components: components.map(component => componentIdentifier({ parameters: new Map(), ...component })),
    params: parameters,
  }
}

/** The members of Signature-Input that are asked for. @throws HttpSigError when there is none */
function chosen({ message, label, tag, limits }: VerifyMessageOptions): SignatureMember[] {
  const inputs = dictionaryField(message.headers, 'signature-input', limits)
  const members: SignatureMember[] = []
  for (const [name, member] of inputs) {
    if (label !== undefined && name !== label) continue
    // Signatures with another tag are not looked at further.
    if (tag !== undefined && member.member[1].get('tag') !== tag) continue
    members.push(signatureMember(name, member))
  }
  if (members.length === 0)
    throw malformed('the message has no signature of the label and tag asked for', {
      expected: { label, tag },
      labels: [...inputs.keys()],
    })
  return members
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
    throw malformed('the signature does not verify', { label: member.label, base, algorithm: key.algorithm })
  return { ...candidate, key, base, bodyVerified: await checkBody(member.components, message) }
}

/**
 * Verifies the signatures of a request or response. Those that `label` and `tag` leave, and for which `key` has a key, must all hold;
 * there must be at least one. When the message has a `body` and a signature covers `content-digest`, that must be the body's.
 * It does not see replays: what may be done only once needs a nonce or a replay set besides.
 * @throws HttpSigError `invalid_signature`, `unsupported_algorithm` for an unknown `alg`, or `invalid_request` for a covered header with a
 * line break; the facts are in `cause`, the signature base of what did not verify among them
 * @throws TypeError for malformed `requiredComponents`, RangeError for a negative `maxAge` or `tolerance`, or `limits` that are no whole numbers
 * @see RFC 9421 §3.2
 */
export async function verifyMessage(
  options: VerifyMessageOptions,
): Promise<readonly [VerifiedMessageSignature, ...VerifiedMessageSignature[]]> {
  checkOptions('verifyMessage', options, checks, ['message', 'key', 'requiredComponents'])
  const policy = policyOf(options)
  const members = chosen(options)
  const signatures = dictionaryField(options.message.headers, 'signature', options.limits)
  const verified: VerifiedMessageSignature[] = []
  for (const member of members) {
    const bytes = signatureBytes(member.label, signatures.get(member.label))
    const signature = await verifyMember(member, bytes, { options, policy })
    if (signature !== undefined) verified.push(signature)
  }
  const [first, ...others] = verified
  if (first === undefined)
    throw new HttpSigError('invalid_signature', 'the key of no signature is known', {
      cause: { labels: members.map(({ label }) => label) },
    })
  return [first, ...others]
}
