import { createDiscovery, type Discovery } from '@countersign/discovery'
import { generateSigningKey, type SigningKey, thumbprint } from '@countersign/httpsig'
import {
  AAuthError,
  type AgentAuth,
  errorResponse,
  jwks,
  missingScope,
  parseScope,
  satisfies,
  signToken,
  type TokenType,
} from '@countersign/protocol'
import { asAAuthError, parseForm } from '@countersign/protocol/internal'
import { type Caller, createVerifier, type IdentifiedCaller, verifyResourceToken } from '@countersign/verify'
import { agentServerHost, type Delegates, delegates, home } from './agent-server.test.fixture.js'
import { type Clock, clock, type Exchange, type Host, type Network, network } from './network.test.fixture.js'

export const calendar = 'https://calendar.example'
export { home }
export const auth = 'https://auth.example'

/** A resource, an auth server and an agent server that behave, and the knobs with which a test makes them misbehave. */
export interface World {
  readonly network: Network
  readonly clock: Clock
  readonly agentKey: SigningKey
  readonly delegates: Delegates
  /** Refresh tokens the auth server knows. */
  readonly refreshTokens: Map<string, { agent: string; delegate?: string; scope: string }>
  /** Whether the auth server's policy says no. */
  denies: boolean
  /** Changes the claims of every token just before it is signed. */
  readonly tamper: Map<TokenType, (claims: Record<string, unknown>) => Record<string, unknown>>
  sign(typ: TokenType, claims: Record<string, unknown>, key?: SigningKey): Promise<string>
  issued: number
}

interface Role {
  readonly world: World
  readonly key: SigningKey
  readonly discovery: Discovery
}

export async function world(): Promise<World> {
  const [agentKey, resourceKey, authKey] = [
    await generateSigningKey(),
    await generateSigningKey(),
    await generateSigningKey(),
  ]
  const own: World = {
    network: network(),
    clock: clock(),
    agentKey,
    delegates: delegates(),
    refreshTokens: new Map(),
    denies: false,
    tamper: new Map(),
    issued: 0,
    async sign(typ, claims, key) {
      own.issued += 1
      const tampered = own.tamper.get(typ)?.(claims) ?? claims
      const signer = key ?? { 'agent+jwt': agentKey, 'resource+jwt': resourceKey, 'auth+jwt': authKey }[typ]
      return signToken({ typ, key: signer, kid: 'k1', claims: tampered as never })
    },
  }
  const discovery = createDiscovery({ fetcher: own.network.fetcher, now: own.clock.now })
  const hosts: ReadonlyArray<readonly [string, Host]> = [
    [home, agentServerHost(own)],
    [auth, authServerHost({ world: own, key: authKey, discovery })],
    [calendar, resourceHost({ world: own, key: resourceKey, discovery })],
  ]
  for (const [origin, host] of hosts) own.network.hosts.set(origin, guarded(own, host))
  return own
}

/** Errors become answers; a challenge may ride on them. */
class Challenged extends Error {
  readonly error: AAuthError
  readonly agentAuth: AgentAuth
  constructor(error: AAuthError, agentAuth: AgentAuth) {
    super(error.message)
    this.error = error
    this.agentAuth = agentAuth
  }
}

function guarded(own: World, host: Host): Host {
  return async exchange => {
    try {
      return await host(exchange)
    } catch (error) {
      if (error instanceof Challenged)
        return errorResponse(error.error, { agentAuth: error.agentAuth, now: own.clock.now })
      return errorResponse(asAAuthError(error), { now: own.clock.now })
    }
  }
}

function json(value: unknown, status = 200): Response {
  return new Response(JSON.stringify(value), {
    status,
    headers: { 'content-type': 'application/json', 'cache-control': 'no-store' },
  })
}

function published(role: Role, document: string, metadata: object): (exchange: Exchange) => Response | undefined {
  return ({ target }) => {
    if (target === `/.well-known/${document}`) return json(metadata)
    return target === '/jwks.json' ? json(jwks([{ kid: 'k1', key: role.key }])) : undefined
  }
}

const jti = (own: World): string => `jti-${own.issued}-${Math.random()}`

function authServerHost(role: Role): Host {
  const { world: own, discovery } = role
  const metadata = { issuer: auth, jwks_uri: `${auth}/jwks.json`, agent_token_endpoint: `${auth}/token` }
  const documents = published(role, 'aauth-issuer', metadata)
  const verifier = createVerifier({ receiver: auth, discovery, accept: ['jwks_uri', 'agent+jwt'], now: own.clock.now })
  return async exchange => {
    const document = documents(exchange)
    if (document !== undefined) return document
    const { caller } = await verifier.verify(exchange)
    if (caller.level !== 'identified')
      throw new Challenged(new AAuthError('insufficient_level', 'say who you are', { reason: 'level_insufficient' }), {
        identity: true,
      })
    const form = parseForm(exchange.body, exchange.header('content-type'))
    return form.get('request_type') === 'refresh' ? refreshed(own, caller, form) : granted(role, caller, form)
  }
}

async function granted(
  { world: own, discovery }: Role,
  caller: IdentifiedCaller,
  form: ReadonlyMap<string, string>,
): Promise<Response> {
  const claims = await verifyResourceToken({
    token: form.get('resource_token') ?? '',
    audience: auth,
    discovery,
    now: own.clock.time,
  })
  if (
    claims.agent !== caller.agent ||
    claims.agent_delegate !== caller.delegate ||
    claims.agent_jkt !== caller.key.thumbprint
  )
    throw new AAuthError('invalid_resource_token', 'agent_jkt', { reason: 'key_unknown' })
  if (own.denies) throw new AAuthError('access_denied', 'policy says no', { reason: 'user_refused' })
  const refresh_token = `refresh-${own.refreshTokens.size}`
  const { agent, delegate } = caller
  own.refreshTokens.set(refresh_token, { agent, ...(delegate === undefined ? {} : { delegate }), scope: claims.scope })
  return json({ auth_token: await authToken(own, caller, claims.scope), expires_in: 600, refresh_token })
}

async function refreshed(own: World, caller: IdentifiedCaller, form: ReadonlyMap<string, string>): Promise<Response> {
  const known = own.refreshTokens.get(form.get('refresh_token') ?? '')
  if (known === undefined || known.agent !== caller.agent || known.delegate !== caller.delegate)
    throw new AAuthError('invalid_grant', 'refresh_token is wrong', { reason: 'grant_invalid' })
  if (own.denies) throw new AAuthError('access_denied', 'policy says no', { reason: 'user_refused' })
  return json({ auth_token: await authToken(own, caller, known.scope), expires_in: 600 })
}

function authToken(own: World, { agent, delegate, key }: IdentifiedCaller, scope: string): Promise<string> {
  const iat = Math.floor(own.clock.time)
  return own.sign('auth+jwt', {
    iss: auth,
    aud: calendar,
    agent,
    scope,
    iat,
    exp: iat + 600,
    jti: jti(own),
    cnf: { jwk: key.publicJwk },
    ...(delegate === undefined ? {} : { agent_delegate: delegate }),
  })
}

/** Path → what it takes. `/limited` allows no unsigned requests, by its limit. */
const routes = {
  '/public': { level: 'anonymous' },
  '/limited': { level: 'anonymous' },
  '/feed': { level: 'pseudonymous' },
  '/agenda': { level: 'identified' },
  '/events': { level: 'authorized', scope: ['events.read'] },
  '/notes': { level: 'authorized', scope: ['events.write'] },
} as const

function resourceHost(role: Role): Host {
  const { world: own, discovery } = role
  const metadata = {
    issuer: calendar,
    resource: calendar,
    jwks_uri: `${calendar}/jwks.json`,
    resource_token_endpoint: `${calendar}/resource-token`,
  }
  const documents = published(role, 'aauth-resource', metadata)
  const accept = ['hwk', 'jwks_uri', 'agent+jwt', 'auth+jwt'] as const
  const verifier = createVerifier({ receiver: calendar, discovery, accept, authServers: [auth], now: own.clock.now })
  return async exchange => {
    const document = documents(exchange)
    if (document !== undefined) return document
    const { caller } = await verifier.verify(exchange).catch(error => {
      throw new Challenged(asAAuthError(error), { identity: true })
    })
    if (exchange.target === '/resource-token') return handedOut(own, caller, exchange)
    return guardedRoute(own, caller, exchange)
  }
}

async function handedOut(own: World, caller: Caller, exchange: Exchange): Promise<Response> {
  if (caller.level !== 'identified')
    throw new AAuthError('insufficient_level', 'say who you are', { reason: 'level_insufficient' })
  const scope = parseForm(exchange.body, exchange.header('content-type')).get('scope') ?? ''
  return json({
    resource_token: await resourceToken(own, caller, parseScope(scope)),
    auth_server: auth,
    expires_in: 300,
  })
}

async function guardedRoute(own: World, caller: Caller, exchange: Exchange): Promise<Response> {
  const path = exchange.target.split('?')[0] ?? ''
  const route = Object.entries(routes).find(([name]) => name === path)?.[1]
  if (route === undefined) return json({ error: 'not_found' }, 404)
  if (path === '/limited' && caller.level === 'anonymous')
    throw new Challenged(
      new AAuthError('rate_limited', 'over the limit', { reason: 'rate_exceeded', retryAfter: 3600 }),
      {},
    )
  const missing = missingScope(caller.level === 'authorized' ? caller.scope : [], 'scope' in route ? route.scope : [])
  if (satisfies(caller.level, route.level) && missing.length === 0)
    return json({ level: caller.level, body: exchange.text, target: exchange.target })
  throw new Challenged(
    new AAuthError(
      satisfies(caller.level, route.level) ? 'insufficient_scope' : 'insufficient_level',
      'more is needed',
      { reason: 'internal_error' },
    ),
    await challenge(own, caller, 'scope' in route ? route.scope : undefined, route.level),
  )
}

async function challenge(
  own: World,
  caller: Caller,
  scope: readonly string[] | undefined,
  level: string,
): Promise<AgentAuth> {
  if (level === 'pseudonymous') return {}
  if (scope === undefined || caller.level === 'anonymous' || caller.level === 'pseudonymous') return { identity: true }
  const held = caller.level === 'authorized' ? caller.scope : []
  return {
    authToken: true,
    authServer: auth,
    resourceToken: await resourceToken(own, caller, [...new Set([...held, ...scope])]),
  }
}

async function resourceToken(
  own: World,
  {
    agent,
    delegate,
    key,
  }: {
    readonly agent: string
    readonly delegate?: string
    readonly key: { readonly publicJwk: SigningKey['publicJwk'] }
  },
  scope: readonly string[],
): Promise<string> {
  const iat = Math.floor(own.clock.time)
  return own.sign('resource+jwt', {
    iss: calendar,
    aud: auth,
    agent,
    agent_jkt: await thumbprint(key.publicJwk),
    scope: scope.join(' '),
    iat,
    exp: iat + 300,
    jti: jti(own),
    ...(delegate === undefined ? {} : { agent_delegate: delegate }),
  })
}
