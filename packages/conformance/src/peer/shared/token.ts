import type { Documents } from './documents.js'
import { isId, isIdentifier, wordsOf } from './identifier.js'
import { isObject, isTexts, type JsonObject, parseJson, utf8 } from './json.js'
import { algorithms, type PublicKey, readKey } from './key.js'
import type { Role } from './metadata-members.js'
import { badScheme, type Refusing, refusing } from './refusal.js'

/** A token as it stands, before it is checked. */
export interface Jws {
  readonly header: JsonObject
  readonly claims: JsonObject
  /** The bytes that were signed. */
  readonly input: Buffer
  readonly signature: Buffer
}

/** What a type of tokens is. @see protocol §5 */
export interface TokenType {
  readonly typ: 'agent+jwt' | 'resource+jwt' | 'auth+jwt'
  /** The document that leads to the keys of its issuer. */
  readonly role: Role
  /** Seconds. */
  readonly longest: number
  readonly refuse: Refusing
  /** Names a claim that is missing or malformed. */
  readonly malformed: (claims: JsonObject) => string | undefined
}

const day = 86_400
const isText = (value: unknown): boolean => typeof value === 'string' && value !== ''
const isGrant = (value: unknown): boolean => typeof value === 'string' && /^[A-Za-z0-9_-]{1,64}$/.test(value)
const isAbsent = (value: unknown): boolean => value === undefined

/** Names the first claim whose form is wrong. */
function firstOf(forms: Readonly<Record<string, boolean>>): string | undefined {
  return Object.entries(forms).find(([, isRight]) => !isRight)?.[0]
}

export const agentToken: TokenType = {
  typ: 'agent+jwt',
  role: 'aauth-agent',
  longest: day,
  refuse: refusing(401, 'invalid_agent_token'),
  malformed: ({ sub, cnf, jti, aud }) =>
    firstOf({
      sub: isId(sub),
      cnf: isConfirmation(cnf),
      jti: isId(jti),
      aud: isAbsent(aud) || isText(aud) || (isTexts(aud) && aud.length > 0),
    }),
}

export const resourceToken: TokenType = {
  typ: 'resource+jwt',
  role: 'aauth-resource',
  longest: 600,
  refuse: refusing(400, 'invalid_resource_token'),
  malformed: ({ aud, agent, agent_delegate, agent_jkt, scope, auth_request_url, jti, sub, operation }) =>
    firstOf({
      aud: isIdentifier(aud),
      agent: isIdentifier(agent),
      agent_delegate: isAbsent(agent_delegate) || isId(agent_delegate),
      agent_jkt: isText(agent_jkt),
      scope: (wordsOf(scope) !== undefined) !== isText(auth_request_url),
      jti: isId(jti),
      sub: isAbsent(sub) || (isId(sub) && operation !== undefined),
      operation: isAbsent(operation) || isObject(operation),
    }),
}

export const authToken: TokenType = {
  typ: 'auth+jwt',
  role: 'aauth-issuer',
  longest: 3600,
  refuse: refusing(401, 'invalid_auth_token'),
  malformed: claims =>
    firstOf({
      aud: isIdentifier(claims['aud']),
      agent: isAgentOf(claims),
      agent_delegate: isAbsent(claims['agent_delegate']) || isId(claims['agent_delegate']),
      cnf: isConfirmation(claims['cnf']),
      jti: isId(claims['jti']),
      grant: isAbsent(claims['grant']) || isGrant(claims['grant']),
      sub: isAbsent(claims['sub']) || isId(claims['sub']),
      scope: isAbsent(claims['scope']) || wordsOf(claims['scope']) !== undefined,
      'sub or scope': !isAbsent(claims['sub']) || !isAbsent(claims['scope']),
      act: isAbsent(claims['act']) || isChain(claims['act'], 5),
      txn: isAbsent(claims['txn']) || isId(claims['txn']),
      purposes: isAbsent(claims['purposes']) || wordsOf(claims['purposes'], 128) !== undefined,
      operation_digest: isAbsent(claims['operation_digest']) || isText(claims['operation_digest']),
    }),
}

/** `agent` is absent exactly where the audience is the agent. */
function isAgentOf({ agent, aud }: JsonObject): boolean {
  return isIdentifier(agent) && agent !== aud
}

function isConfirmation(cnf: unknown): boolean {
  return isObject(cnf) && Object.keys(cnf).join() === 'jwk' && isObject(cnf['jwk'])
}

/** Who acted before, at most so many deep. */
function isChain(act: unknown, depth: number): boolean {
  if (!isObject(act) || depth === 0) return false
  const { iss, agent, agent_delegate, act: inner } = act
  if (!isIdentifier(iss) || !isIdentifier(agent)) return false
  if (!isAbsent(agent_delegate) && !isId(agent_delegate)) return false
  return isAbsent(inner) || isChain(inner, depth - 1)
}

/** Reads a compact JWS. @see protocol §5 */
export function readJws(text: string, refuse: Refusing): Jws {
  if (text.length > 6 * 1024) throw refuse('token_too_large', 'the token has over 6 KiB')
  const [header = '', claims = '', signature = '', ...more] = text.split('.')
  const malformed = refuse('token_malformed', 'the token is no compact JWS of JSON objects')
  if (more.length > 0) throw malformed
  try {
    const [headerBytes, claimBytes, signatureBytes] = [canonical(header), canonical(claims), canonical(signature)]
    const [readHeader, readClaims] = [parseJson(utf8(headerBytes)), parseJson(utf8(claimBytes))]
    if (!isObject(readHeader) || !isObject(readClaims)) throw malformed
    const input = Buffer.from(`${header}.${claims}`)
    return { header: readHeader, claims: readClaims, input, signature: signatureBytes }
  } catch {
    throw malformed
  }
}

/** @throws TypeError where text is not in the one encoding of its bytes */
function canonical(text: string): Buffer {
  const bytes = Buffer.from(text, 'base64url')
  if (bytes.toString('base64url') !== text) throw new TypeError('it is not canonical')
  return bytes
}

/** How a token is checked. */
export interface TokenCheck {
  readonly documents: Documents
  /** In seconds. */
  readonly now: () => number
  /** Whether tokens of this issuer count; it is asked before anything is fetched. */
  readonly isTrusted?: (issuer: string) => boolean
  /** How long after its end a token is still taken, in seconds. */
  readonly grace?: number
}

/** Checks a token in the order of protocol §5, up to its claims, and opens the key that it confirms, where it has one. */
export async function checkToken(jws: Jws, type: TokenType, check: TokenCheck): Promise<PublicKey | undefined> {
  const { header, claims } = jws
  const { refuse } = type
  if (header['typ'] !== type.typ) throw refuse('token_type_wrong', '`typ` of the token is another')
  const alg = header['alg'] === 'EdDSA' ? 'Ed25519' : header['alg']
  if (!algorithms.some(name => name === alg)) throw refuse('algorithm_unsupported', '`alg` of the token')
  if (typeof header['kid'] !== 'string') throw refuse('token_malformed', '`kid` of the token is missing')
  if ('crit' in header) throw refuse('token_malformed', 'the token has `crit`')
  if ('b64' in header) throw refuse('token_malformed', 'the token has `b64`')
  const { iss } = claims
  if (!isIdentifier(iss)) throw refuse('token_issuer_wrong', '`iss` is no identifier')
  if (check.isTrusted?.(iss) === false)
    throw refusing(401, 'untrusted_issuer')('issuer_untrusted', '`iss` is not on the list')
  const name = { role: type.role, id: iss, kid: header['kid'] }
  const key = await check.documents.keyThat(name, one => one.alg === alg && one.verifies(jws.input, jws.signature))
  if (key === 'unknown') throw refuse('token_key_unknown', '`kid` names no key of the issuer')
  if (key === 'wrong') throw refuse('token_signature_wrong', 'the signature of the token does not verify')
  checkTimes(claims, type, check)
  const wrong = type.malformed(claims)
  if (wrong !== undefined) throw refuse('token_claim_malformed', `\`${wrong}\` of the token is missing or malformed`)
  return isObject(claims['cnf']) ? readKey(claims['cnf']['jwk']) : undefined
}

/** A token must be in date still when the body has come. @see protocol §3.3 */
export function checkStillValid({ exp }: JsonObject, { refuse }: TokenType, now: number): void {
  if (typeof exp === 'number' && exp <= now) throw refuse('token_expired', 'the token has expired meanwhile')
}

const isTime = (value: unknown): value is number => Number.isSafeInteger(value) && Number(value) >= 0

function checkTimes(claims: JsonObject, { longest, refuse }: TokenType, { now, grace = 0 }: TokenCheck): void {
  const { iat, exp, nbf } = claims
  const malformed = (name: string) => refuse('token_claim_malformed', `\`${name}\` is missing or no whole number`)
  if (!isTime(iat)) throw malformed('iat')
  if (!isTime(exp)) throw malformed('exp')
  if (nbf !== undefined && !isTime(nbf)) throw malformed('nbf')
  if (exp + grace <= now()) throw refuse('token_expired', 'the token has expired')
  if (iat > now() + 60) throw refuse('token_issued_in_future', '`iat` is in the future')
  if (isTime(nbf) && nbf > now() + 60) throw refuse('token_not_yet_valid', '`nbf` is in the future')
  if (exp <= iat) throw refuse('token_claim_malformed', '`exp` is not after `iat`')
  if (exp - iat > longest) throw refuse('token_lives_too_long', 'the token lives too long')
}

/** The type of a token in `Signature-Key`. @see protocol §3.2 */
export function identityType({ header }: Jws): TokenType {
  const { typ } = header
  if (typ === agentToken.typ) return agentToken
  if (typ === authToken.typ) return authToken
  const named = typeof typ === 'string' && /^[a-z0-9+.-]{1,40}$/.test(typ) ? typ : 'another one'
  const later = /^aa-.*\+jwt$/.test(named) ? ', of a later edition' : ''
  throw badScheme('token_type_unsupported', `a JWT with the typ ${named}${later} is no identity`)
}
