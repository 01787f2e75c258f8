import { createDiscovery, type Discovery } from '@countersign/discovery'
import { generateSigningKey, type ReceivedMessage, type SignatureKey, type SigningKey } from '@countersign/httpsig'
import { type AgentTokenClaims, type AuthTokenClaims, jwks, type PublishedKey } from '@countersign/protocol'
import { signedMessage } from '@countersign/testing/world/signed-message'
import * as tokens from '@countersign/testing/world/tokens'
import { makeWeb, publishAgent, publishIssuer, publishResource } from '@countersign/testing/world/web'

/** The time of all tests here, in Unix seconds. */
export const now = 1_800_000_000

/** One origin with published keys. */
export interface Origin {
  readonly id: string
  readonly key: SigningKey
  /** The kid of `key`; default `k1`. */
  readonly kid?: string
}

/** An in-memory internet: only documents published here exist. */
export interface Network {
  readonly discovery: Discovery
  /** Every URL that was fetched, in order. */
  readonly fetched: string[]
  /** Origins that do not answer. */
  readonly down: Set<string>
  /** Replaces the keys of an origin. */
  publishKeys(id: string, keys: readonly PublishedKey[]): void
  publish(document: 'aauth-agent' | 'aauth-resource' | 'aauth-issuer', id: string, key?: SigningKey): Promise<Origin>
  /** The clock of caches. */
  time: number
}

const publishers = {
  'aauth-agent': publishAgent,
  'aauth-resource': publishResource,
  'aauth-issuer': publishIssuer,
}

export function network(): Network {
  const { web, fetched, down, fetcher } = makeWeb()
  const net: Network = {
    fetched,
    down,
    publishKeys(id, keys) {
      web.set(`${id}/jwks`, jwks(keys))
    },
    time: now,
    discovery: createDiscovery({ fetcher, now: () => net.time }),
    async publish(document, id, given) {
      const key = given ?? (await generateSigningKey())
      publishers[document]({ web }, id, [{ kid: 'k1', key }], { jwks_uri: `${id}/jwks` })
      return { id, key }
    },
  }
  return net
}

/** A signed request as its receiver gets it. */
export async function signed(
  url: string,
  key: SigningKey,
  signatureKey: SignatureKey,
  more: { readonly method?: string; readonly nonce?: string; readonly at?: number } = {},
): Promise<ReceivedMessage> {
  const { method, nonce, at = now } = more
  const { origin } = new URL(url)
  const as = { key, signatureKey }
  const message = await signedMessage({ as, origin, target: url.slice(origin.length), method, nonce, now: () => at })
  return { ...message, peer: '192.0.2.1' }
}

/** An agent token of `issuer` for `key`; `claims` replaces default claims. */
export function agentToken(
  { id, kid = 'k1', key: own }: Origin,
  key: SigningKey,
  claims: Partial<AgentTokenClaims> = {},
  signer: SigningKey = own,
): Promise<string> {
  const usual = { sub: 'delegate-1', iat: now - 10, exp: now + 3590, jti: 'a1' }
  return tokens.agentToken({ id, kid, key: signer }, { key, now, claims: { ...usual, ...claims } })
}

/** An auth token of `issuer` for `key`. */
export function authToken(
  { id, kid = 'k1', key: own }: Origin,
  key: SigningKey,
  claims: Partial<AuthTokenClaims>,
  signer: SigningKey = own,
): Promise<string> {
  const usual = { iat: now - 10, exp: now + 590, jti: 't1' }
  const aud = 'https://api.example'
  return tokens.authToken({ id, kid, key: signer }, { aud, key, now, claims: { ...usual, ...claims } })
}
