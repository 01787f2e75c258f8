import { createDiscovery, type FetchedDocument } from '@countersign/discovery'
import {
  generateSigningKey,
  type ReceivedMessage,
  type SignatureKey,
  type SigningKey,
  signRequest,
  thumbprint,
} from '@countersign/httpsig'
import { jwks, type PublishedKey, signToken } from '@countersign/protocol'
import { type AuthServer, createAuthServer } from './auth-server.js'
import type { AuthServerEvent } from './event.js'
import type { AuthServerOptions } from './options.js'
import { directGrants } from './policies.js'
import type { Policy } from './policy.js'

/** 2026-01-01T00:00:00Z. */
export const newYear = 1_767_225_600

/** Who signs a request, and how. */
export interface Signer {
  readonly key: SigningKey
  readonly signatureKey: SignatureKey
  readonly agent: string
  readonly delegate?: string
}

/** An auth server among agents and resources, without a socket: what they publish stands in `web`. */
export interface World {
  readonly auth: AuthServer
  /** Another server with the same keys, database and all. */
  reopen(): Promise<AuthServer>
  readonly clock: { now: number }
  /** Published documents by URL; `down` hosts throw. */
  readonly web: Map<string, unknown>
  readonly down: Set<string>
  /** Every URL that was fetched. */
  readonly fetched: string[]
  readonly events: AuthServerEvent[]
  readonly agentKey: PublishedKey
  readonly resourceKey: PublishedKey
}

/** The agent and its delegates may read events at the calendar, and the agent its own notes. */
export const policy: Policy = directGrants([
  {
    agent: 'https://agent.example',
    delegates: ['phone', 'laptop'],
    resource: 'https://calendar.example',
    scopes: ['events.read', 'events.list'],
  },
  { agent: 'https://agent.example', resource: 'https://agent.example', scopes: ['notes.read'] },
])

/** `policy: 'unset'` leaves it to the auth server's own default. */
export async function world({
  policy: chosen = policy,
  ...options
}: Partial<Omit<AuthServerOptions, 'policy'>> & { policy?: Policy | 'unset' } = {}): Promise<World> {
  const clock = { now: newYear }
  const web = new Map<string, unknown>()
  const down = new Set<string>()
  const fetched: string[] = []
  const events: AuthServerEvent[] = []
  const now = () => clock.now
  const fetcher = async (url: string): Promise<FetchedDocument> => {
    fetched.push(url)
    if (down.has(new URL(url).origin)) throw new Error('connection refused')
    const document = web.get(url)
    const body = new TextEncoder().encode(JSON.stringify(document ?? {}))
    return { status: document === undefined ? 404 : 200, contentType: 'application/json', body }
  }
  const all: AuthServerOptions = {
    issuer: 'https://auth.example',
    keys: [{ kid: 'a1', key: await generateSigningKey() }],
    database: 'sqlite::memory:',
    // Instances of one world share a database, each with a key of its own.
    knownKeys: 'replace',
    ...(chosen === 'unset' ? {} : { policy: chosen }),
    discovery: createDiscovery({ fetcher, now }),
    now,
    onEvent: event => events.push(event),
    ...options,
  }
  const reopen = (): Promise<AuthServer> => createAuthServer(all)
  const auth = await reopen()
  const agentKey = { kid: 'k1', key: await generateSigningKey() }
  const resourceKey = { kid: 'r1', key: await generateSigningKey() }
  const made: World = { auth, reopen, clock, web, down, fetched, events, agentKey, resourceKey }
  publishAgent(made, 'https://agent.example', [agentKey])
  publishResource(made, 'https://calendar.example', [resourceKey])
  return made
}

export function publishAgent({ web }: Pick<World, 'web'>, id: string, keys: readonly PublishedKey[]): void {
  web.set(`${id}/.well-known/aauth-agent`, { issuer: id, agent: id, jwks_uri: `${id}/.well-known/jwks.json` })
  web.set(`${id}/.well-known/jwks.json`, jwks(keys))
}

export function publishResource(
  { web }: Pick<World, 'web'>,
  id: string,
  keys: readonly PublishedKey[],
  scopes?: string[],
): void {
  const supported = scopes === undefined ? {} : { supported_scopes: scopes }
  web.set(`${id}/.well-known/aauth-resource`, {
    issuer: id,
    resource: id,
    jwks_uri: `${id}/resource-keys`,
    ...supported,
  })
  web.set(`${id}/resource-keys`, jwks(keys))
}

/** The agent server itself. */
export function agentServer({ agentKey }: World): Signer {
  return {
    key: agentKey.key,
    signatureKey: { scheme: 'jwks_uri', id: 'https://agent.example', kid: 'k1', dwk: 'aauth-agent' },
    agent: 'https://agent.example',
  }
}

/** A second agent with its own origin. */
export async function otherAgent(made: World): Promise<Signer> {
  const key = await generateSigningKey()
  publishAgent(made, 'https://other.example', [{ kid: 'o1', key }])
  return {
    key,
    signatureKey: { scheme: 'jwks_uri', id: 'https://other.example', kid: 'o1', dwk: 'aauth-agent' },
    agent: 'https://other.example',
  }
}

/** A delegate of the agent, with a fresh key; `claims` changes its agent token. */
export async function delegate(
  { agentKey, clock }: Pick<World, 'agentKey' | 'clock'>,
  sub: string,
  o: { readonly claims?: Record<string, unknown>; readonly signer?: SigningKey; readonly kid?: string } = {},
): Promise<Signer> {
  const key = await generateSigningKey()
  const jwt = await signToken({
    typ: 'agent+jwt',
    key: o.signer ?? agentKey.key,
    kid: o.kid ?? agentKey.kid,
    claims: {
      iss: 'https://agent.example',
      sub,
      cnf: { jwk: key.publicJwk },
      iat: clock.now,
      exp: clock.now + 3600,
      jti: 'agent-token',
      ...o.claims,
    },
  })
  return { key, signatureKey: { scheme: 'jwt', jwt }, agent: 'https://agent.example', delegate: sub }
}

/** What the calendar gives a caller for `events.read`; `claims` and `signer` change it. */
export async function resourceToken(
  { resourceKey, clock }: Pick<World, 'resourceKey' | 'clock'>,
  to: Signer,
  o: { readonly claims?: Record<string, unknown>; readonly signer?: SigningKey; readonly kid?: string } = {},
): Promise<string> {
  return signToken({
    typ: 'resource+jwt',
    key: o.signer ?? resourceKey.key,
    kid: o.kid ?? resourceKey.kid,
    claims: {
      iss: 'https://calendar.example',
      aud: 'https://auth.example',
      agent: to.agent,
      ...(to.delegate === undefined ? {} : { agent_delegate: to.delegate }),
      agent_jkt: await thumbprint(to.key.publicJwk),
      scope: 'events.read',
      iat: clock.now,
      exp: clock.now + 300,
      jti: 'resource-token',
      ...o.claims,
    },
  })
}

/** What may differ from an ordinary form POST. */
export interface PostOptions {
  readonly target?: string
  readonly contentType?: string
  readonly method?: string
  /** The origin it is signed for. */
  readonly origin?: string
}

/** A signed form POST to the token endpoint. */
export async function post(
  { clock }: Pick<World, 'clock'>,
  signer: Pick<Signer, 'key' | 'signatureKey'>,
  form: string | Uint8Array<ArrayBuffer> | Record<string, string>,
  o: PostOptions = {},
): Promise<ReceivedMessage> {
  const { target = '/agent/token', contentType = 'application/x-www-form-urlencoded' } = o
  const { method = 'POST', origin = 'https://auth.example' } = o
  const text = typeof form === 'string' || form instanceof Uint8Array ? form : new URLSearchParams(form).toString()
  const body = typeof text === 'string' ? new TextEncoder().encode(text) : text
  const headers: Array<readonly [string, string]> = [
    ['host', 'auth.example'],
    ['content-type', contentType],
  ]
  const signed = await signRequest({
    method,
    url: `${origin}${target}`,
    headers,
    body,
    key: signer.key,
    signatureKey: signer.signatureKey,
    now: () => clock.now,
  })
  return { method, target, headers: [...headers, ...signed], body, peer: '192.0.2.7' }
}

/** Sends a form as `signer`. */
export async function send(
  made: World,
  signer: Pick<Signer, 'key' | 'signatureKey'>,
  form: string | Uint8Array<ArrayBuffer> | Record<string, string>,
  options: PostOptions = {},
): Promise<Response> {
  return made.auth.handle(await post(made, signer, form, options))
}

/** `request_type=auth` with a fresh resource token of the calendar. */
export async function ask(made: World, signer: Signer): Promise<Response> {
  return send(made, signer, { request_type: 'auth', resource_token: await resourceToken(made, signer) })
}

/** A token answer. */
export interface Tokens {
  readonly auth_token: string
  readonly refresh_token: string
}

/** The tokens of a granted request; throws when it was refused. */
export async function granted(response: Response): Promise<Tokens> {
  const { auth_token, refresh_token } = await bodyOf(response)
  if (response.status === 200 && typeof auth_token === 'string' && typeof refresh_token === 'string') {
    return { auth_token, refresh_token }
  }
  throw new Error('the grant that a test starts from was refused', { cause: { status: response.status } })
}

export async function bodyOf(response: Response): Promise<Record<string, unknown>> {
  return objectOf(await response.json())
}

/** Header (0) or payload (1) of a compact JWS. */
export function part(token: unknown, index: 0 | 1): Record<string, unknown> {
  return objectOf(JSON.parse(Buffer.from(String(token).split('.')[index] ?? '', 'base64url').toString('utf8')))
}

function objectOf(value: unknown): Record<string, unknown> {
  if (typeof value !== 'object' || value === null) throw new Error('not an object')
  return Object.fromEntries(Object.entries(value))
}

/** What a test compares of a refusal. */
export async function refusalOf(
  response: Response,
): Promise<{ status: number; error: unknown; agentAuth: string | null }> {
  const { error } = await bodyOf(response)
  return { status: response.status, error, agentAuth: response.headers.get('agent-auth') }
}

/** Refusals that carry no challenge. */
export function plain(status: number, error: string): { status: number; error: string; agentAuth: null } {
  return { status, error, agentAuth: null }
}

/** Refusals of the caller itself. */
export function challenge(error: string): { status: number; error: string; agentAuth: string } {
  return { status: 401, error, agentAuth: 'httpsig; identity=?1' }
}
