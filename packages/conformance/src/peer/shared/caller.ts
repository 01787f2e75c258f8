import type { Documents } from './documents.js'
import { isIdentifier } from './identifier.js'
import { isTexts, type JsonObject } from './json.js'
import { type PublicKey, readKey } from './key.js'
import { badScheme, badSignature, refusing } from './refusal.js'
import { type Signature, verifySignature, wrongSignature } from './signature.js'
import { agentToken, authToken, checkToken, identityType, type Jws, readJws, type TokenType } from './token.js'

/** What a signature shows, before anything is fetched. */
export type Credential =
  | { readonly kind: 'hwk' }
  | { readonly kind: 'jwks_uri'; readonly id: string; readonly kid: string }
  | { readonly kind: 'agent+jwt' | 'auth+jwt'; readonly jws: Jws; readonly type: TokenType }

/** Who sent a request, as its signature shows. */
export interface Caller {
  readonly level: 'pseudonymous' | 'identified' | 'authorized'
  readonly key: PublicKey
  readonly agent?: string | undefined
  readonly delegate?: string | undefined
  /** Claims of the token that was shown. */
  readonly claims?: JsonObject | undefined
}

/** What a peer knows a caller by. */
export interface CallerCheck {
  readonly documents: Documents
  readonly now: () => number
  /** The peer's own identifier, which must be in the audience of tokens. */
  readonly self: string
  /** The issuers whose auth tokens count. */
  readonly authServers: readonly string[]
  /** How long after its end an agent token is still taken, in seconds. */
  readonly grace?: number
}

/**
 * Reads the scheme of `Signature-Key`. @see protocol §3.2
 * @param taken the type of tokens of which a text counts whose own cannot be read; default that of a token endpoint
 */
export function readCredential({ scheme, keyParameters }: Signature, taken: TokenType = agentToken): Credential {
  if (scheme === 'hwk') return { kind: 'hwk' }
  if (scheme === 'jwks_uri') {
    const [id, kid, dwk] = [keyParameters.get('id'), keyParameters.get('kid'), keyParameters.get('dwk')]
    if (!isIdentifier(id)) throw badSignature('identifier_malformed', '`id` of Signature-Key is no identifier')
    if (kid === undefined || kid === '') throw badSignature('signature_key_parameter_missing', '`kid` is missing')
    if (dwk !== 'aauth-agent') throw badSignature('signature_key_parameter_missing', '`dwk` is not aauth-agent')
    return { kind: 'jwks_uri', id, kid }
  }
  if (scheme !== 'jwt') throw badScheme('scheme_unsupported', 'the scheme of Signature-Key is unknown')
  const jws = readJws(keyParameters.get('jwt') ?? '', taken.refuse)
  const type = identityType(jws)
  return { kind: type === agentToken ? 'agent+jwt' : 'auth+jwt', jws, type }
}

/** Finds the key of a request and verifies its signature under it. @throws Refusal */
export async function identifyCaller(
  signature: Signature,
  credential: Credential,
  check: CallerCheck,
): Promise<Caller> {
  if (credential.kind === 'hwk') {
    const key = readKey(Object.fromEntries(signature.keyParameters), { isInline: true })
    verifySignature(signature, key)
    return { level: 'pseudonymous', key }
  }
  if (credential.kind === 'jwks_uri') return byPublishedKey(signature, credential, check)
  const isAgent = credential.kind === 'agent+jwt'
  const { claims } = credential.jws
  const isTrusted = (issuer: string): boolean => isAgent || check.authServers.includes(issuer)
  const { documents, now, grace = 0 } = check
  const key = await checkToken(credential.jws, credential.type, {
    documents,
    now,
    isTrusted,
    grace: isAgent ? grace : 0,
  })
  checkAudience(claims, check.self, credential.type)
  if (key === undefined) throw credential.type.refuse('token_claim_missing', '`cnf` of the token is missing')
  verifySignature(signature, key)
  const { iss, sub, agent, agent_delegate } = claims
  return isAgent
    ? { level: 'identified', key, agent: String(iss), delegate: String(sub), claims }
    : { level: 'authorized', key, agent: String(agent), delegate: optional(agent_delegate), claims }
}

const optional = (value: unknown): string | undefined => (value === undefined ? undefined : String(value))

async function byPublishedKey(
  signature: Signature,
  { id, kid }: { readonly id: string; readonly kid: string },
  { documents }: CallerCheck,
): Promise<Caller> {
  const name = { role: 'aauth-agent' as const, id, kid }
  const key = await documents.keyThat(name, one => one.verifies(signature.base, signature.bytes))
  if (key === 'unknown') throw refusing(401, 'invalid_agent_token')('key_unknown', '`kid` names no key of the agent')
  if (key === 'wrong') throw wrongSignature()
  verifySignature(signature, key)
  return { level: 'identified', key, agent: id }
}

/** An agent token may name its receivers; an auth token names one, as a string. @see protocol §5 */
function checkAudience({ aud }: JsonObject, self: string, type: TokenType): void {
  const wrong = type.refuse('token_audience_wrong', '`aud` of the token does not name this server')
  if (type === authToken && aud !== self) throw wrong
  if (type === agentToken && aud !== undefined && aud !== self && !(isTexts(aud) && aud.includes(self))) throw wrong
}
