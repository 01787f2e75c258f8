import { type SigningKey, thumbprint } from '@countersign/httpsig'
import { base64urlEncode } from '@countersign/httpsig/internal'
import type { PublishedKey } from '@countersign/protocol'
import type { Party } from './signer.js'

/** Claims that a test adds or changes; undefined leaves one out. */
export type Claims = Readonly<Record<string, unknown>>

/** A JWS with any header and claims, also those that no honest issuer would sign. */
export async function forgeToken({ kid, key }: PublishedKey, header: object, claims: object): Promise<string> {
  const part = (value: object) => base64urlEncode(new TextEncoder().encode(JSON.stringify(value)))
  const input = `${part({ alg: key.algorithm, kid, ...header })}.${part(claims)}`
  return `${input}.${base64urlEncode(await key.sign(new TextEncoder().encode(input)))}`
}

/** What a token is made for. */
export interface TokenOf {
  /** The key it is bound to. */
  readonly key: SigningKey
  /** Unix seconds. */
  readonly now: number
  readonly claims?: Claims | undefined
}

/** An agent token for the delegate `phone`, for an hour. */
export function agentToken(by: Party, { key, now, claims }: TokenOf): Promise<string> {
  const cnf = { jwk: key.publicJwk }
  const usual = { iss: by.id, sub: 'phone', cnf, iat: now, exp: now + 3600, jti: 'agent-token' }
  return forgeToken(by, { typ: 'agent+jwt' }, { ...usual, ...claims })
}

/** An auth token for ten minutes: `https://agent.example` may do `events.read` at `aud`. */
export function authToken(by: Party, { key, now, claims, aud }: TokenOf & { readonly aud: string }): Promise<string> {
  const usual = { iss: by.id, aud, agent: 'https://agent.example', scope: 'events.read', cnf: { jwk: key.publicJwk } }
  return forgeToken(by, { typ: 'auth+jwt' }, { ...usual, iat: now, exp: now + 600, jti: 'auth-token', ...claims })
}

/** A resource token for five minutes: `aud` may let the agent do `events.read` at the resource. */
export async function resourceToken(
  by: Party,
  {
    key,
    now,
    claims,
    ...to
  }: TokenOf & { readonly aud: string; readonly agent: string; readonly agent_delegate?: string | undefined },
): Promise<string> {
  const usual = { iss: by.id, ...to, agent_jkt: await thumbprint(key.publicJwk), scope: 'events.read' }
  return forgeToken(
    by,
    { typ: 'resource+jwt' },
    { ...usual, iat: now, exp: now + 300, jti: 'resource-token', ...claims },
  )
}
