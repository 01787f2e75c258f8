import { createDiscovery } from '@countersign/discovery'
import { fromRequest, generateSigningKey } from '@countersign/httpsig'
import { AAuthError, type AuthTokenClaims, errorResponse, parseToken, signToken } from '@countersign/protocol'
import {
  asAAuthError,
  documentResponse,
  jwksResponse,
  parseForm,
  privateResponse,
} from '@countersign/protocol/internal'
import { createVerifier, type IdentifiedCaller, verifyAuthToken, verifyResourceToken } from '@countersign/verify'
import type { Net } from './hops.test.fixture.js'

type Form = Readonly<Record<string, string>>

interface Ask {
  readonly caller: IdentifiedCaller
  readonly resource: string
  readonly scope: string
  /** The user it is for, where an upstream token names one. */
  readonly upstream?: AuthTokenClaims
  readonly redirect_uri: string
  readonly state: string
  code?: string
  user?: string
}

/** An auth server as protocol §6 and §7 have it, with as little as the resources of a test need. */
export interface ExchangeServer {
  readonly issuer: string
  /** Forms of its token requests, in order. */
  readonly forms: Form[]
  /** What users have agreed to. */
  readonly remembered: Set<string>
  /** Whether a user must agree to an exchange. Default true. */
  asks: boolean
  /** What token requests are answered with instead. */
  instead: (() => Promise<Response> | Response) | undefined
  /** What its page does with a user. Default: they agree. */
  answer: 'agrees' | 'refuses'
  /** Seconds that its tokens live. */
  life: number
  /** Issues a token without a request, for tests. */
  mint(claims: Readonly<Record<string, unknown>>): Promise<string>
}

export async function exchangeServer({
  net,
  issuer,
  upstream,
}: {
  readonly net: Net
  readonly issuer: string
  readonly upstream: readonly string[]
}): Promise<ExchangeServer> {
  const now = (): number => net.clock.now
  const key = await generateSigningKey()
  const discovery = createDiscovery({ fetcher: net.fetcher, now })
  const verifier = createVerifier({ receiver: issuer, discovery, accept: ['jwks_uri', 'agent+jwt'], now })
  const asks = new Map<string, Ask>()
  const server: ExchangeServer = {
    issuer,
    forms: [],
    remembered: new Set(),
    asks: true,
    instead: undefined,
    answer: 'agrees',
    life: 600,
    mint: claims => {
      const iat = Math.floor(now())
      return signToken({
        typ: 'auth+jwt',
        key,
        kid: 'k1',
        claims: { iss: issuer, iat, exp: iat + server.life, jti: crypto.randomUUID(), ...claims } as never,
      })
    },
  }

  /** This server's own `sub` for the user of an upstream token. */
  const ownSub = (sub: string): string => `${sub}@${new URL(issuer).host}`

  const tokenFor = async (ask: Omit<Ask, 'redirect_uri' | 'state'>, user: string): Promise<object> => {
    const { caller, resource, scope, upstream: up } = ask
    const exp = Math.min(Math.floor(now()) + server.life, up?.exp ?? Number.POSITIVE_INFINITY)
    const act = up && {
      act: {
        iss: up.iss,
        agent: up.agent,
        ...(up.agent_delegate === undefined ? {} : { agent_delegate: up.agent_delegate }),
        ...(up.act === undefined ? {} : { act: up.act }),
      },
    }
    const isSignIn = resource === caller.agent
    const auth_token = await server.mint({
      aud: resource,
      cnf: { jwk: caller.key.publicJwk },
      sub: user,
      exp,
      ...(isSignIn ? {} : { agent: caller.agent, scope }),
      ...(caller.delegate === undefined ? {} : { agent_delegate: caller.delegate }),
      ...act,
    })
    return { auth_token, expires_in: exp - Math.floor(now()) }
  }

  const upstreamOf = async (token: string | undefined, audience: string): Promise<AuthTokenClaims> => {
    const parsed = parseToken(token ?? '', ['auth+jwt'])
    if (!upstream.includes(parsed.iss))
      throw new AAuthError('untrusted_issuer', 'the upstream issuer is not listed', {
        reason: 'issuer_untrusted',
        status: 400,
      })
    try {
      const claims = await verifyAuthToken({ token: token ?? '', issuer: parsed.iss, audience, discovery, now: now() })
      if (claims.agent === undefined || claims.scope === undefined || claims.sub === undefined)
        throw new AAuthError('invalid_auth_token', 'no mandate', { reason: 'key_unknown' })
      return claims
    } catch (error) {
      throw new AAuthError('invalid_auth_token', 'the upstream token is wrong', {
        reason: 'key_unknown',
        status: 400,
        cause: error,
      })
    }
  }

  const keyOf = ({ caller, resource, scope, upstream: up }: Pick<Ask, 'caller' | 'resource' | 'scope' | 'upstream'>) =>
    JSON.stringify([up?.iss, up?.sub, up?.agent, up?.agent_delegate, up?.act, caller.agent, resource, scope])

  /** What a resource token says, or that a user signs in at the caller itself. */
  const askedFor = async (form: Form, caller: IdentifiedCaller): Promise<{ iss: string; scope: string }> => {
    const { resource_token: token = '' } = form
    if (form['scope'] === 'openid' && token === '') return { iss: caller.agent, scope: 'openid' }
    const claims = await verifyResourceToken({ token, audience: issuer, discovery, now: now() })
    if (claims.agent !== caller.agent || claims.agent_jkt !== caller.key.thumbprint)
      throw new AAuthError('invalid_resource_token', 'agent_jkt', { reason: 'key_unknown' })
    return { iss: claims.iss, scope: claims.scope }
  }

  const begun = async (form: Form, caller: IdentifiedCaller): Promise<object> => {
    const claims = await askedFor(form, caller)
    const up = form['request_type'] === 'exchange' ? await upstreamOf(form['upstream_token'], caller.agent) : undefined
    const ask = { caller, resource: claims.iss, scope: claims.scope, ...(up === undefined ? {} : { upstream: up }) }
    if (up !== undefined && (!server.asks || server.remembered.has(keyOf(ask))))
      return tokenFor(ask, ownSub(String(up.sub)))
    const { redirect_uri = '', state = '' } = form
    const { redirect_uris = [] } = await discovery.agent(caller.agent)
    if (!redirect_uris.includes(redirect_uri))
      throw new AAuthError('invalid_request', 'redirect_uri is not the agent’s', { reason: 'parameter_malformed' })
    const request_token = crypto.randomUUID()
    asks.set(request_token, { ...ask, redirect_uri, state })
    return { request_token, expires_in: 600 }
  }

  const redeemed = async (form: Form, caller: IdentifiedCaller): Promise<object> => {
    const { request_token = '', code = '', redirect_uri } = form
    const ask = asks.get(request_token)
    const isTheirs = ask?.caller.agent === caller.agent && ask.redirect_uri === redirect_uri && ask.code === code
    if (!isTheirs || ask.user === undefined)
      throw new AAuthError('invalid_grant', 'the code is wrong', { reason: 'grant_ended' })
    asks.delete(request_token)
    return tokenFor(ask, ask.user)
  }

  const page = (request: Request): Response => {
    const { searchParams } = new URL(request.url)
    const ask = asks.get(searchParams.get('request_token') ?? '')
    const user = request.headers.get('x-test-user') ?? ''
    if (ask?.redirect_uri !== searchParams.get('redirect_uri') || ask.state !== searchParams.get('state'))
      return new Response('an error page', { status: 400 })
    // The user who signs in must be the user of the upstream token.
    if (ask.upstream !== undefined && nameOf(ask.upstream.sub) !== user)
      return new Response('another user', { status: 403 })
    const back = new URL(ask.redirect_uri)
    if (server.answer === 'refuses') back.searchParams.set('error', 'access_denied')
    else {
      ask.code = crypto.randomUUID()
      ask.user = ask.upstream === undefined ? user : ownSub(String(ask.upstream.sub))
      server.remembered.add(keyOf(ask))
      back.searchParams.set('code', ask.code)
    }
    back.searchParams.set('state', ask.state)
    back.searchParams.set('iss', issuer)
    return new Response(null, { status: 303, headers: { location: back.href } })
  }

  net.hosts.set(issuer, async request => {
    const { pathname } = new URL(request.url)
    if (pathname === '/.well-known/aauth-issuer')
      return documentResponse({
        issuer,
        jwks_uri: `${issuer}/jwks.json`,
        agent_token_endpoint: `${issuer}/token`,
        agent_auth_endpoint: `${issuer}/authorize`,
      })
    if (pathname === '/jwks.json') return jwksResponse([{ kid: 'k1', key }])
    if (pathname === '/authorize') return page(request)
    try {
      const message = await fromRequest(request, { bodyLimit: 65_536 })
      const { caller } = await verifier.verify(message)
      if (caller.level !== 'identified')
        throw new AAuthError('insufficient_level', 'say who you are', { reason: 'level_insufficient' })
      const form = Object.fromEntries(parseForm(message.body, request.headers.get('content-type') ?? ''))
      server.forms.push(form)
      if (server.instead !== undefined) return await server.instead()
      return privateResponse(await (form['request_type'] === 'code' ? redeemed : begun)(form, caller))
    } catch (error) {
      return errorResponse(asAAuthError(error), { now })
    }
  })
  return server
}

/** `ada@as2.example@as3.example` is Ada. */
function nameOf(sub: string | undefined): string {
  return (sub ?? '').split('@')[0] ?? ''
}
