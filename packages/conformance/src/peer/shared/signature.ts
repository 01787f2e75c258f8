import { headerLines, headerValue } from '../../wire/message.js'
import { type Covered, componentValue, coveredComponents, covers, type Place } from './components.js'
import { agreesWith, type PublicKey, privateMembers } from './key.js'
import { badKey, badScheme, badSignature, Refusal } from './refusal.js'
import { checkHeaderSizes, checkTarget, type PeerRequest } from './request.js'
import { isInnerList, type Member, type Parameters, parametersText, readDictionary } from './strict-field.js'

/** What the three headers of a request say. */
export interface Signature {
  readonly scheme: string
  /** Parameters of the one member of `Signature-Key`. */
  readonly keyParameters: ReadonlyMap<string, string>
  readonly covered: readonly Covered[]
  readonly parameters: Parameters
  /** The bytes that were signed. */
  readonly base: Buffer
  readonly bytes: Buffer
}

/** How a peer judges signatures. */
export interface SignatureRules extends Place {
  /** In seconds. */
  readonly now: () => number
  /** Components that are demanded beyond the usual ones, where the request has them. */
  readonly demanded?: readonly string[]
}

/**
 * Reads the signature of a request, and makes every check that needs neither key nor body.
 * @returns undefined where the request is unsigned
 * @throws Refusal
 */
export function readSignature(request: PeerRequest, rules: SignatureRules): Signature | undefined {
  checkTarget(request)
  checkHeaderSizes(request)
  try {
    const selected = selectSignature(request)
    return selected === undefined ? undefined : openSignature(request, rules, selected)
  } catch (error) {
    throw withComponents(error, request, rules)
  }
}

/** Says in a refusal which components the request needs. @see protocol §8 */
export function withComponents(error: unknown, request: PeerRequest, { demanded = [] }: SignatureRules): unknown {
  if (!(error instanceof Refusal) || error.error !== 'invalid_signature') return error
  const hasBody = headerLines(request, 'content-length').length + headerLines(request, 'transfer-encoding').length > 0
  const query = request.query === undefined ? [] : ['@query']
  const body = hasBody ? ['content-type', 'content-digest'] : []
  const required_components = ['@method', '@authority', '@path', ...query, ...body, 'signature-key', ...demanded]
  return error.with({ members: { required_components } })
}

interface Selected {
  readonly key: Member
  readonly input: Member
  readonly signature: Member
}

/** Selects one signature by the label of `Signature-Key`. @see protocol §3.1 */
function selectSignature(request: PeerRequest): Selected | undefined {
  const [line, ...more] = headerLines(request, 'signature-key')
  if (line === undefined) return void checkUnsigned(request)
  if (more.length > 0) throw badSignature('signature_header_repeated', 'Signature-Key has several lines')
  if (/=\s*\(\s*[a-z_]+\s*=/.test(line))
    throw badScheme('signature_key_old_spelling', 'Signature-Key is in the old spelling; write sig=hwk;kty="…"')
  const keys = dictionaryOf(request, 'signature-key')
  const [[label, key] = []] = keys
  if (keys.size !== 1 || label === undefined || key === undefined)
    throw badSignature('signature_key_malformed', 'Signature-Key has not one member')
  if (label.length > 64) throw badSignature('signature_key_malformed', 'the label has over 64 characters')
  const inputs = dictionaryOf(request, 'signature-input')
  const signatures = dictionaryOf(request, 'signature')
  if (inputs.size > 8) throw badSignature('signatures_too_many', 'Signature-Input has over 8 members')
  if (signatures.size > 8) throw badSignature('signatures_too_many', 'Signature has over 8 members')
  const [input, signature] = [inputs.get(label), signatures.get(label)]
  if (input === undefined) throw badSignature('signature_label_missing', 'Signature-Input lacks the label')
  if (signature === undefined) throw badSignature('signature_label_missing', 'Signature lacks the label')
  return { key, input, signature }
}

function dictionaryOf(request: PeerRequest, name: string): ReadonlyMap<string, Member> {
  const value = headerValue(request, name)
  if (value === undefined) throw badSignature('signature_header_missing', `${name} is missing`)
  try {
    return readDictionary(value)
  } catch {
    throw badSignature('signature_header_malformed', `${name} is no Dictionary`)
  }
}

/** What is signed is never taken for unsigned. @see protocol §3.1 */
function checkUnsigned(request: PeerRequest): void {
  const read = (name: string): ReadonlyMap<string, Member> =>
    headerValue(request, name) === undefined ? new Map() : dictionaryOf(request, name)
  const lost = badSignature('signature_header_missing', 'Signature-Key is missing')
  const inputs = read('signature-input')
  for (const { parameters } of inputs.values()) {
    const tag = parameters.get('tag')
    if (tag?.kind !== 'string' || tag.value === '') throw lost
  }
  for (const label of read('signature').keys()) if (!inputs.has(label)) throw lost
}

const schemeParameters: Readonly<Record<string, readonly string[]>> = {
  hwk: ['alg', 'kty', 'crv', 'x', 'y', 'n', 'e', 'use', ...privateMembers],
  jwks_uri: ['id', 'kid', 'dwk'],
  jwt: ['jwt'],
}

/** Whether a scheme of `Signature-Key` names a parameter; all others are ignored. @see protocol §3.2 */
function isNamed(scheme: string, name: string): boolean {
  return schemeParameters[scheme]?.includes(name) === true
}

function openSignature(request: PeerRequest, rules: SignatureRules, { key, input, signature }: Selected): Signature {
  if (isInnerList(key) || key.bare.kind !== 'token')
    throw badSignature('signature_key_malformed', 'the member of Signature-Key is no Token')
  const scheme = String(key.bare.value)
  const named = [...key.parameters].filter(([name]) => isNamed(scheme, name))
  const keyParameters = named.map(([name, { kind, value }]): [string, string] => {
    if (kind !== 'string') throw badSignature('signature_parameter_malformed', `${name} of Signature-Key is no String`)
    return [name, String(value)]
  })
  if (!isInnerList(input)) throw badSignature('signature_malformed', 'Signature-Input has no list of components')
  const { parameters } = input
  if (parameters.has('tag')) throw badSignature('signature_tagged', 'the signature has a tag')
  const covered = coveredComponents(input.items)
  checkCovered(covered, request, rules)
  checkParameters(parameters)
  checkTime(parameters, rules.now())
  return {
    scheme,
    keyParameters: new Map(keyParameters),
    covered,
    parameters,
    base: baseOf({ covered, parameters, request, place: rules }),
    bytes: bytesOf(signature),
  }
}

function bytesOf(signature: Member): Buffer {
  if (isInnerList(signature) || signature.bare.kind !== 'bytes')
    throw badSignature('signature_malformed', 'Signature is no Byte Sequence')
  const bytes = Buffer.from(signature.bare.text.slice(1, -1), 'base64')
  if (`:${bytes.toString('base64')}:` !== signature.bare.text)
    throw badSignature('signature_encoding', 'Signature is not in its one encoding')
  return bytes
}

/** @see protocol §3.4 */
function checkCovered(covered: readonly Covered[], request: PeerRequest, { demanded = [] }: SignatureRules): void {
  const missing = (name: string) => badSignature('component_not_covered', `${name} is not covered`)
  if (!covers(covered, '@method')) throw missing('@method')
  if (!covers(covered, '@authority')) throw missing('@authority')
  if (!covers(covered, '@path')) throw missing('@path')
  if (!covers(covered, 'signature-key')) throw missing('signature-key')
  if (request.query !== undefined && !covers(covered, '@query')) throw missing('@query')
  for (const name of demanded) if (headerLines(request, name).length > 0 && !covers(covered, name)) throw missing(name)
}

/** @see protocol §3.5 */
function checkParameters(parameters: Parameters): void {
  const malformed = (name: string) => badSignature('signature_parameter_malformed', `${name} is malformed`)
  for (const [name, { kind, value }] of parameters)
    if (kind === 'decimal' && Number.isInteger(value)) throw malformed(name)
  const [created, expires] = [parameters.get('created'), parameters.get('expires')]
  if (created === undefined) throw badSignature('created_missing', '`created` is missing')
  if (created.kind !== 'integer') throw malformed('created')
  if (expires !== undefined && expires.kind !== 'integer') throw malformed('expires')
  if (expires !== undefined && expires.value < created.value)
    throw badSignature('expires_before_created', '`expires` is before `created`')
  for (const name of ['nonce', 'alg', 'keyid'])
    if (parameters.has(name) && parameters.get(name)?.kind !== 'string') throw malformed(name)
}

/** Judges the time of a signature: as its head comes, and again with the last byte of its body. @see protocol §3.5 */
export function checkTime(parameters: Parameters, now: number): void {
  const [created, expires] = [parameters.get('created')?.value, parameters.get('expires')?.value]
  if (now - Number(created) > 60) throw badSignature('created_too_old', '`created` is too old')
  if (Number(created) - now > 60) throw badSignature('created_in_future', '`created` is in the future')
  if (expires !== undefined && now > Number(expires)) throw badSignature('signature_expired', '`expires` has passed')
}

function baseOf(o: {
  readonly covered: readonly Covered[]
  readonly parameters: Parameters
  readonly request: PeerRequest
  readonly place: Place
}): Buffer {
  const lines = o.covered.map(one => `${one.text}: ${componentValue(one, o.request, o.place)}\n`)
  const list = `(${o.covered.map(({ text }) => text).join(' ')})${parametersText(o.parameters)}`
  return Buffer.from(`${lines.join('')}"@signature-params": ${list}`, 'latin1')
}

/** The name of the algorithm that a signature gives must be that of its key. @see protocol §3.6 */
export function checkAlgorithm({ parameters }: Signature, key: PublicKey): void {
  const alg = parameters.get('alg')
  if (alg !== undefined && !agreesWith(key, String(alg.value)))
    throw badKey('algorithm_mismatched', '`alg` is not that of the key').with({ members: { algs: [key.alg] } })
}

/** @throws Refusal where a signature does not verify */
export function verifySignature(signature: Signature, key: PublicKey): void {
  checkAlgorithm(signature, key)
  if (!key.verifies(signature.base, signature.bytes)) throw wrongSignature()
}

/** What a signature that does not verify is answered. */
export function wrongSignature(): Refusal {
  return badSignature('signature_wrong', 'the signature does not verify')
}
