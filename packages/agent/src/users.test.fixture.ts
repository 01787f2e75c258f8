import { createDiscovery } from '@countersign/discovery'
import {
  AAuthError,
  asAAuthError,
  type ErrorCode,
  errorResponse,
  identityScopes,
  parseForm,
  parseScope,
} from '@countersign/protocol'
import { createVerifier, type IdentifiedCaller, verifyResourceToken } from '@countersign/verify'
import type { AgentOptions } from './agent.js'
import { auth, type World, world } from './participants.test.fixture.js'

export const callback = 'https://app.example/callback'

type Form = Readonly<Partial<Record<string, string>>>

/** What an auth server with users keeps of a request that waits for one. */
interface Waiting {
  readonly caller: IdentifiedCaller
  readonly resource: string
  readonly scope: string
  readonly redirect_uri: string
  readonly state: string
  code?: string
  user?: string
}

/** Users of the world's auth server, who decide when a test says so. */
export interface Users {
  /** Forms of all token requests, in order. */
  readonly forms: Form[]
  /** By request token. */
  readonly waiting: Map<string, Waiting>
  /** What the next polls of a device are refused with, in order. */
  readonly polls: ErrorCode[]
  /** What refresh tokens stand for. */
  readonly grants: Map<string, { readonly resource: string; readonly scope: string; readonly user: string }>
  /** Changes the members of the next token answers. */
  tamper(answer: Record<string, unknown>): Record<string, unknown>
  /** Scopes the users grant; absent: all that is asked. */
  allowed?: string
}

/** A user of a browser: opens the agent's URL and decides; where the browser is sent then. */
export type Decide = (url: string, decision: { readonly user: string } | { readonly error: string }) => URL

/** A world whose auth server grants nothing without a user. */
export async function worldOfUsers(): Promise<{ own: World; users: Users; decide: Decide }> {
  const own = await world()
  const users: Users = { forms: [], waiting: new Map(), polls: [], grants: new Map(), tamper: answer => answer }
  const discovery = createDiscovery({ fetcher: own.network.fetcher, now: own.clock.now })
  const verifier = createVerifier({ receiver: auth, discovery, accept: ['jwks_uri', 'agent+jwt'], now: own.clock.now })
  own.network.intercept(auth, async (exchange, next) => {
    if (exchange.target === '/.well-known/aauth-issuer') return withPages(await next(exchange))
    if (exchange.target !== '/token') return next(exchange)
    try {
      const { caller } = await verifier.verify(exchange)
      if (caller.level !== 'identified') throw new AAuthError('insufficient_level', 'say who you are')
      const form = Object.fromEntries(parseForm(exchange.body, exchange.header('content-type')))
      users.forms.push(form)
      if (form['request_type'] === 'auth') return Response.json(users.tamper(await begun(form, caller)))
      if (form['request_type'] === 'code') return Response.json(users.tamper(await redeemed(form, caller)))
      if (form['request_type'] === 'device_auth') return Response.json(users.tamper(await device(form, caller)))
      if (form['request_type'] === 'device_code') return Response.json(users.tamper(await polled(form, caller)))
      if (form['request_type'] === 'refresh') return Response.json(users.tamper(await renewed(form, caller)))
      return await next(exchange)
    } catch (error) {
      return errorResponse(asAAuthError(error), { now: own.clock.now })
    }
  })

  async function begun(form: Form, caller: IdentifiedCaller): Promise<Record<string, unknown>> {
    const asked = await askedBy(form, caller)
    const { redirect_uri, state = '' } = form
    if (redirect_uri === undefined) throw new AAuthError('invalid_request', 'redirect_uri is missing')
    const request_token = `request-${users.waiting.size}`
    users.waiting.set(request_token, { ...asked, caller, redirect_uri, state })
    return { request_token, expires_in: 600 }
  }

  async function askedBy(
    { resource_token, scope = '' }: Form,
    caller: IdentifiedCaller,
  ): Promise<{ resource: string; scope: string }> {
    if (resource_token === undefined) return { resource: caller.agent, scope }
    const claims = await verifyResourceToken({ token: resource_token, audience: auth, discovery, now: own.clock.time })
    if (claims.agent_jkt !== caller.key.thumbprint) throw new AAuthError('invalid_resource_token', 'agent_jkt')
    return { resource: claims.iss, scope: claims.scope }
  }

  async function device(form: Form, caller: IdentifiedCaller): Promise<Record<string, unknown>> {
    const asked = await askedBy(form, caller)
    users.waiting.set('device', { ...asked, caller, redirect_uri: '', state: '' })
    const codes = { device_code: 'device', user_code: 'BCDF-GHJK', verification_uri: `${auth}/device` }
    return { ...codes, expires_in: 600, interval: 5 }
  }

  async function polled(form: Form, caller: IdentifiedCaller): Promise<Record<string, unknown>> {
    const request = users.waiting.get('device')
    const error = users.polls.shift()
    if (error !== undefined) throw new AAuthError(error, 'said by the test')
    if (request === undefined || form['device_code'] !== 'device') throw new AAuthError('invalid_grant', 'wrong')
    return redeemed({ request_token: 'device', redirect_uri: '' }, caller, { ...request, user: 'ada' })
  }

  async function redeemed(
    { code, redirect_uri, request_token = '' }: Form,
    caller: IdentifiedCaller,
    request = users.waiting.get(request_token),
  ): Promise<Record<string, unknown>> {
    const isTheirs = request?.caller.agent === caller.agent && request.caller.delegate === caller.delegate
    if (request?.code !== code || request?.redirect_uri !== redirect_uri || !isTheirs || request.user === undefined)
      throw new AAuthError('invalid_grant', 'the code is wrong')
    users.waiting.delete(request_token)
    const scope = users.allowed ?? request.scope
    const refresh_token = `refresh-${users.grants.size}`
    const grant = { resource: request.resource, user: request.user, scope }
    users.grants.set(refresh_token, grant)
    return { auth_token: await own.sign('auth+jwt', claimsOf(own, caller, grant)), expires_in: 600, refresh_token }
  }

  async function renewed({ refresh_token = '' }: Form, caller: IdentifiedCaller): Promise<Record<string, unknown>> {
    const grant = users.grants.get(refresh_token)
    if (grant === undefined) throw new AAuthError('invalid_grant', 'refresh_token is wrong')
    return { auth_token: await own.sign('auth+jwt', claimsOf(own, caller, grant)), expires_in: 600 }
  }

  const decide: Decide = (url, decision) => {
    const { origin, pathname, searchParams } = new URL(url)
    const request = users.waiting.get(searchParams.get('request_token') ?? '')
    const same =
      request?.redirect_uri === searchParams.get('redirect_uri') && request?.state === searchParams.get('state')
    if (`${origin}${pathname}` !== `${auth}/authorize` || request === undefined || !same)
      throw new Error('an error page')
    const answer = new URL(request.redirect_uri)
    if ('error' in decision) answer.searchParams.set('error', decision.error)
    else {
      request.code = `code-${own.issued}-${Math.random()}`
      request.user = decision.user
      answer.searchParams.set('code', request.code)
    }
    answer.searchParams.set('state', request.state)
    answer.searchParams.set('iss', auth)
    return answer
  }
  return { own, users, decide }
}

/** The claims of a token for a user; identity scopes stand as claims. */
export function claimsOf(
  own: World,
  { agent, delegate, key }: IdentifiedCaller,
  { resource, scope, user }: { readonly resource: string; readonly scope: string; readonly user: string },
): Record<string, unknown> {
  const iat = Math.floor(own.clock.time)
  const scopes = parseScope(scope)
  const others = scopes.filter(name => !identityScopes.includes(name))
  return {
    ...{
      iss: auth,
      aud: resource,
      sub: user,
      iat,
      exp: iat + 600,
      jti: `jti-${own.issued}`,
      cnf: { jwk: key.publicJwk },
    },
    ...(agent === resource ? {} : { agent }),
    ...(delegate === undefined ? {} : { agent_delegate: delegate }),
    ...(others.length === 0 ? {} : { scope: others.join(' ') }),
    ...(scopes.includes('email') ? { email: `${user}@example.com` } : {}),
  }
}

async function withPages(response: Response): Promise<Response> {
  return Response.json({ ...((await response.json()) as object), agent_auth_endpoint: `${auth}/authorize` })
}

/** A wait that only its signal ends. */
export const forEver: NonNullable<AgentOptions['sleep']> = (_, signal) =>
  new Promise(resolve => signal?.addEventListener('abort', () => resolve()))

/** Token requests of one type. */
export function formsOf(users: Users, requestType: string): readonly Form[] {
  return users.forms.filter(form => form['request_type'] === requestType)
}
