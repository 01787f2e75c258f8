import { createDiscovery, type Discovery, type Fetcher } from '@countersign/discovery'
import {
  generateSigningKey,
  type ReceivedMessage,
  type SignatureKey,
  type SigningKey,
  signRequest,
} from '@countersign/httpsig'
import { type AgentTokenClaims, type AuthTokenClaims, jwks, type PublishedKey, signToken } from '@countersign/protocol'

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

export function network(): Network {
  const documents = new Map<string, unknown>()
  const fetched: string[] = []
  const down = new Set<string>()
  const fetcher: Fetcher = async url => {
    fetched.push(url)
    if (down.has(new URL(url).origin)) throw new Error('connect ETIMEDOUT')
    const document = documents.get(url)
    const body = new TextEncoder().encode(JSON.stringify(document ?? {}))
    return { status: document === undefined ? 404 : 200, contentType: 'application/json', body }
  }
  const net: Network = {
    fetched,
    down,
    publishKeys(id, keys) {
      documents.set(`${id}/jwks`, jwks(keys))
    },
    time: now,
    discovery: createDiscovery({ fetcher, now: () => net.time }),
    async publish(document, id, key) {
      const signing = key ?? (await generateSigningKey())
      const role =
        document === 'aauth-agent'
          ? { agent: id }
          : document === 'aauth-resource'
            ? { resource: id }
            : { agent_token_endpoint: `${id}/token` }
      documents.set(`${id}/.well-known/${document}`, { issuer: id, jwks_uri: `${id}/jwks`, ...role })
      net.publishKeys(id, [{ kid: 'k1', key: signing }])
      return { id, key: signing }
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
  const { method = 'GET', at = now } = more
  const { host, pathname, search } = new URL(url)
  const lines = await signRequest({
    method,
    url,
    key,
    signatureKey,
    now: () => at,
    ...(more.nonce === undefined ? {} : { nonce: more.nonce }),
  })
  return { method, target: pathname + search, headers: [['host', host], ...lines], peer: '192.0.2.1' }
}

/** An agent token of `issuer` for `key`; `claims` replaces default claims. */
export function agentToken(
  issuer: Origin,
  key: SigningKey,
  claims: Partial<AgentTokenClaims> = {},
  signer: SigningKey = issuer.key,
): Promise<string> {
  const all = {
    iss: issuer.id,
    sub: 'delegate-1',
    cnf: { jwk: key.publicJwk },
    iat: now - 10,
    exp: now + 3590,
    jti: 'a1',
    ...claims,
  }
  return signToken({ typ: 'agent+jwt', key: signer, kid: issuer.kid ?? 'k1', claims: all })
}

/** An auth token of `issuer` for `key`. */
export function authToken(
  issuer: Origin,
  key: SigningKey,
  claims: Partial<AuthTokenClaims>,
  signer: SigningKey = issuer.key,
): Promise<string> {
  const all = {
    iss: issuer.id,
    aud: 'https://api.example',
    agent: 'https://agent.example',
    cnf: { jwk: key.publicJwk },
    scope: 'events.read',
    iat: now - 10,
    exp: now + 590,
    jti: 't1',
    ...claims,
  }
  return signToken({ typ: 'auth+jwt', key: signer, kid: issuer.kid ?? 'k1', claims: all })
}
