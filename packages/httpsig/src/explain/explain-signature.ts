import { checkOptions } from '#check-options'
import { componentIdentifier } from '../component/component-identifier.js'
import { shownBase, shownValue } from '../component/shown.js'
import { HttpSigError, type HttpSigErrorCode } from '../error.js'
import { importVerifyKey } from '../key/key.js'
import type { VerifyKey } from '../key/verify-key.js'
import { chooseAuthority } from '../message/authority.js'
import type { ReceivedMessage } from '../message/received-message.js'
import { checkTarget } from '../message/request-target.js'
import { pathOf, queryOf } from '../message/target-parts.js'
import { each } from '../option/option-check.js'
import type { HttpSigReason } from '../reason/reason.js'
import { isSigned } from '../signature/signature-lines.js'
import { type OpenOptions, openChecks, openSignature, verifySignature } from '../signature/verify.js'
import { coverageFindings, digestFindings, parameterFindings } from './checks.js'
import type { SignatureFinding } from './finding.js'
import { type ReadHeaders, readHeaders } from './headers.js'
import { readOrRefusal } from './read-or-refusal.js'
import { baseOf, type Reading, valueIn } from './reading.js'
import { repair } from './repair.js'

/** The options of {@link explainSignature}. */
export interface ExplainOptions extends OpenOptions {
  readonly message: ReceivedMessage
  /** The key to verify with; default the inline `hwk` key of the message. */
  readonly key?: VerifyKey
  /** Keys the signer may have used by mistake, at most 10, such as the others it publishes. */
  readonly otherKeys?: readonly VerifyKey[]
}

/** One covered component and its value in the signature base. */
export interface ExplainedComponent {
  /** As in Signature-Input: `@path`, `"x-list";sf`. */
  readonly name: string
  /** The value as received, tokens shortened; undefined when the request does not have the component. */
  readonly value?: string
  /** The value that was signed instead, when it is known. */
  readonly signed?: string
}

/** Why a signed message verifies, or does not verify. */
export interface SignatureExplanation {
  /** The verdict of a verifier; `unchecked` when all other checks pass but there is no key. */
  readonly verdict: 'verified' | 'refused' | 'unchecked'
  /** The signature alone, whatever else is wrong: `changed` when it verifies for the message with the changes of the findings. */
  readonly signature: 'right' | 'changed' | 'wrong' | 'unchecked'
  /** The refusal of a verifier. */
  readonly refusal?: {
    readonly code: HttpSigErrorCode
    readonly reason: HttpSigReason
    readonly status: number
    readonly description: string
  }
  /** Everything that is wrong and what to change, causes before consequences; empty when the message verifies. */
  readonly findings: readonly SignatureFinding[]
  readonly components: readonly ExplainedComponent[]
  /** The authority it was verified for. */
  readonly authority: string
  /** The signature base, tokens shortened; undefined when it cannot be built. */
  readonly base?: string
  readonly key?: { readonly algorithm: string; readonly thumbprint: string }
  /** How many verifications were made; at most 100. */
  readonly tried: number
}

async function ownKey(headers: ReadHeaders): Promise<VerifyKey | undefined> {
  const key = headers.signatureKey?.key
  if (key?.scheme !== 'hwk') return undefined
  try {
    return await importVerifyKey(key.jwk)
  } catch (error) {
    if (error instanceof HttpSigError) return undefined
    throw error
  }
}

async function refusalOf(o: ExplainOptions, key: VerifyKey | undefined): Promise<HttpSigError | undefined> {
  try {
    const { message, key: _, otherKeys: __, ...opening } = o
    const opened = openSignature(message, opening)
    const { signatureKey } = opened
    const used = key ?? (signatureKey.scheme === 'hwk' ? await importVerifyKey(signatureKey.jwk) : undefined)
    if (used !== undefined) await verifySignature(opened, used)
    return undefined
  } catch (error) {
    if (error instanceof HttpSigError) return error
    throw error
  }
}

function placeFindings(o: ExplainOptions): SignatureFinding[] {
  const findings: SignatureFinding[] = []
  const target = readOrRefusal(() => checkTarget(o.message))
  if (target instanceof HttpSigError)
    findings.push({
      reason: target.reason,
      at: '@path',
      change:
        'send a plain method and a target in origin form, in ASCII, without dot segments, // or bad % escapes, and one Host line',
    })
  if (readOrRefusal(() => chooseAuthority(o.message, o.authorities, o.scheme)) instanceof HttpSigError)
    findings.push({
      reason: 'authority_not_served',
      at: '@authority',
      change: 'send the request to an authority the verifier serves: Host names none of them',
      expected: o.authorities.slice(0, 8).join(', '),
    })
  return findings
}

function receivedReading(o: ExplainOptions, headers: ReadHeaders, key: VerifyKey): Reading {
  const { message, authorities, scheme } = o
  const chosen = readOrRefusal(() => chooseAuthority(message, authorities, scheme))
  const authority = chosen instanceof HttpSigError ? (authorities[0] ?? '') : chosen
  return {
    method: message.method,
    scheme,
    authority,
    path: pathOf(message.target),
    query: queryOf(message.target),
    fields: {},
    parameters: headers.input?.text ?? '',
    spelling: 'standard',
    signature: headers.value?.signature ?? new Uint8Array(),
    key,
  }
}

const noKey: VerifyKey = {
  algorithm: 'Ed25519',
  publicJwk: { kty: 'OKP', crv: 'Ed25519', alg: 'Ed25519', x: '' },
  thumbprint: '',
  verify: () => Promise.resolve(false),
}

/** The covered components with their values, and a finding for each that the request does not have. */
function componentsOf(
  o: ExplainOptions,
  headers: ReadHeaders,
  reading: Reading,
): { components: ExplainedComponent[]; findings: SignatureFinding[] } {
  const seen = new Set<string>()
  const findings: SignatureFinding[] = []
  const components = (headers.input?.components ?? []).map((component): ExplainedComponent => {
    const name = componentIdentifier(component)
    if (seen.has(name)) findings.push({ reason: 'component_repeated', at: name, change: 'cover each component once' })
    seen.add(name)
    const value = valueIn(component, reading, o.message)
    if (value === undefined && name !== '@query')
      findings.push({
        reason: 'component_missing',
        at: shownValue(name, name),
        change: 'cover only components that this request has, and see that no proxy removes a covered header',
      })
    return value === undefined
      ? { name }
      : { name, value: shownValue(name.startsWith('"') ? name : `"${name}"`, value) }
  })
  return { components, findings }
}

function certainFindings(o: ExplainOptions, headers: ReadHeaders, key: VerifyKey | undefined): SignatureFinding[] {
  const { input } = headers
  if (input === undefined) return []
  const now = Math.floor((o.now ?? (() => Date.now() / 1000))())
  return [
    ...parameterFindings(input, { now, tolerance: o.tolerance ?? 60, key }),
    ...coverageFindings(o.message, input, o.requiredComponents ?? []),
  ]
}

/**
 * Explains why a signed message verifies or does not, component by component. When the signature is wrong, every usual mistake of a
 * signer is tried, alone and in pairs, with at most 100 verifications; the mistake for which the signature verifies is named.
 * For tools and development: a server needs {@link openSignature} and {@link verifySignature} only, and must not send its peers an
 * explanation. It never throws for anything in the message, and shows no token or credential in full.
 * @throws TypeError without an authority, RangeError for a tolerance outside 1 to 300
 * @see protocol §3, RFC 9421 §2.5
 */
export async function explainSignature(options: ExplainOptions): Promise<SignatureExplanation> {
  checkOptions('explainSignature', options, {
    ...openChecks,
    message: 'object',
    key: 'object',
    otherKeys: each('object'),
  })
  const { message } = options
  const headers = readHeaders(message)
  const key = options.key ?? (await ownKey(headers))
  const refusal = await refusalOf(options, options.key)
  const reading = receivedReading(options, headers, key ?? noKey)
  const { components, findings: unresolved } = componentsOf(options, headers, reading)
  const certain: SignatureFinding[] = isSigned(message)
    ? [
        ...placeFindings(options),
        ...headers.findings,
        ...certainFindings(options, headers, key),
        ...unresolved,
        ...(await digestFindings(message)),
      ]
    : [
        {
          reason: 'signature_missing',
          change: 'sign the request: it has none of Signature-Input, Signature and Signature-Key',
        },
      ]
  const repaired = await repair({ options, headers, reading, key })
  // bound: one call
  const findings = refusal === undefined ? [] : unique([...certain, ...repaired.findings])
  if (refusal !== undefined && findings.length === 0)
    findings.push({ reason: refusal.reason, change: `correct what the verifier names: ${refusal.message}` })
  const base = headers.input && baseOf(headers.input.components, reading, message)
  return {
    verdict: refusal !== undefined ? 'refused' : key === undefined ? 'unchecked' : 'verified',
    signature: repaired.signature,
    ...(refusal !== undefined && {
      refusal: {
        code: refusal.code,
        reason: refusal.reason,
        status: refusal.status,
        description: refusal.message,
      },
    }),
    findings,
    components: components.map(component => withSigned(component, repaired.findings)),
    authority: reading.authority,
    ...(base !== undefined && { base: shownBase(base) }),
    ...(key !== undefined && { key: { algorithm: key.algorithm, thumbprint: key.thumbprint } }),
    tried: repaired.tried,
  }
}

function unique(findings: readonly SignatureFinding[]): SignatureFinding[] {
  return findings.filter(
    (finding, index) =>
      findings.findIndex(other => other.reason === finding.reason && other.at === finding.at) === index,
  )
}

function withSigned(component: ExplainedComponent, findings: readonly SignatureFinding[]): ExplainedComponent {
  const finding = findings.find(({ at, expected }) => at === component.name && expected !== undefined)
  return finding?.expected === undefined ? component : { ...component, signed: finding.expected }
}
