import { createDiscovery } from '@countersign/discovery'
import { AAuthError, type ErrorCode, errorResponse, identityScopes, parseScope } from '@countersign/protocol'
import { asAAuthError, parseForm } from '@countersign/protocol/internal'
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
  readonly purposes: string | undefined
  /** The one request that the user approves. */
  readonly digest: string | undefined
  readonly redirect_uri: string
  readonly state: string
  code?: string
  user?: string
}

/** What a user has granted. */
interface Granted {
  readonly resource: string
  readonly scope: string
  readonly user: string
  readonly purposes?: string | undefined
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
  readonly grants: Map<string, Granted>
  /** Changes the members of the next token answers. */
  tamper(answer: Record<string, unknown>): Record<string, unknown>
  /** Scopes the users grant; absent: all that is asked. */
  allowed?: string
  /** Whether the auth server knows what an approval is. Default true. */
  approves?: boolean
  /** Whether the user has turned the inbox on. */
  inbox?: boolean
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
      if (caller.level !== 'identified')
        throw new AAuthError('insufficient_level', 'say who you are', { reason: 'level_insufficient' })
      const form = Object.fromEntries(parseForm(exchange.body, exchange.header('content-type')))
      users.forms.push(form)
      if (form['request_type'] === 'auth') return Response.json(users.tamper(await begun(form, caller)))
      if (form['request_type'] === 'code') return Response.json(users.tamper(await redeemed(form, caller)))
      if (form['request_type'] === 'device_auth') return Response.json(users.tamper(await device(form, caller)))
      if (form['request_type'] === 'device_code' || form['request_type'] === 'poll')
        return Response.json(users.tamper(await polled(form, caller)))
      if (form['request_type'] === 'refresh') return Response.json(users.tamper(await renewed(form, caller)))
      return await next(exchange)
    } catch (error) {
      return errorResponse(asAAuthError(error), { now: own.clock.now })
    }
  })

  async function begun(form: Form, caller: IdentifiedCaller): Promise<Record<string, unknown>> {
    const asked = await askedBy(form, caller)
    const { redirect_uri, state = '', answer } = form
    if (answer === 'inbox') {
      if (users.inbox !== true || asked.digest === undefined)
        throw new AAuthError('unauthorized_client', 'no inbox', { reason: 'inbox_unavailable' })
      users.waiting.set('question', { ...asked, caller, redirect_uri: '', state: '' })
      return { request_token: 'question', interval: 5, expires_in: 600 }
    }
    if (redirect_uri === undefined)
      throw new AAuthError('invalid_request', 'redirect_uri is missing', { reason: 'parameter_malformed' })
    const request_token = `request-${users.waiting.size}`
    users.waiting.set(request_token, { ...asked, caller, redirect_uri, state })
    return { request_token, expires_in: 600 }
  }

  async function askedBy(
    { resource_token, scope = '', purposes }: Form,
    caller: IdentifiedCaller,
  ): Promise<Pick<Waiting, 'resource' | 'scope' | 'purposes' | 'digest'>> {
    if (resource_token === undefined) return { resource: caller.agent, scope, purposes, digest: undefined }
    const claims = await verifyResourceToken({ token: resource_token, audience: auth, discovery, now: own.clock.time })
    if (claims.agent_jkt !== caller.key.thumbprint)
      throw new AAuthError('invalid_resource_token', 'agent_jkt', { reason: 'key_unknown' })
    const digest = users.approves === false ? undefined : claims.operation?.digest
    return { resource: claims.iss, scope: claims.scope, purposes, digest }
  }

  async function device(form: Form, caller: IdentifiedCaller): Promise<Record<string, unknown>> {
    const asked = await askedBy(form, caller)
    users.waiting.set('device', { ...asked, caller, redirect_uri: '', state: '' })
    const codes = { device_code: 'device', user_code: 'BCDF-GHJK', verification_uri: `${auth}/device` }
    return { ...codes, expires_in: 600, interval: 5 }
  }

  async function polled(form: Form, caller: IdentifiedCaller): Promise<Record<string, unknown>> {
    const name = form['request_type'] === 'poll' ? 'question' : 'device'
    const request = users.waiting.get(name)
    const error = users.polls.shift()
    if (error !== undefined) throw new AAuthError(error, 'said by the test', { reason: 'internal_error' })
    if (request === undefined || (form['device_code'] ?? form['request_token']) !== name)
      throw new AAuthError('invalid_grant', 'wrong', { reason: 'grant_invalid' })
    return redeemed({ request_token: name, redirect_uri: '' }, caller, { ...request, user: 'ada' })
  }

  async function redeemed(
    { code, redirect_uri, request_token = '' }: Form,
    caller: IdentifiedCaller,
    request = users.waiting.get(request_token),
  ): Promise<Record<string, unknown>> {
    const isTheirs = request?.caller.agent === caller.agent && request.caller.delegate === caller.delegate
    if (request?.code !== code || request?.redirect_uri !== redirect_uri || !isTheirs || request.user === undefined)
      throw new AAuthError('invalid_grant', 'the code is wrong', { reason: 'grant_invalid' })
    users.waiting.delete(request_token)
    const scope = users.allowed ?? request.scope
    const { purposes, digest } = request
    const grant = { resource: request.resource, user: request.user, scope, purposes }
    if (digest !== undefined) {
      const claims = { ...claimsOf(own, caller, grant), operation_digest: digest }
      return { auth_token: await own.sign('auth+jwt', claims), expires_in: 300 }
    }
    const refresh_token = `refresh-${users.grants.size}`
    users.grants.set(refresh_token, grant)
    return { auth_token: await own.sign('auth+jwt', claimsOf(own, caller, grant)), expires_in: 600, refresh_token }
  }

  async function renewed({ refresh_token = '' }: Form, caller: IdentifiedCaller): Promise<Record<string, unknown>> {
    const grant = users.grants.get(refresh_token)
    if (grant === undefined)
      throw new AAuthError('invalid_grant', 'refresh_token is wrong', { reason: 'grant_invalid' })
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
  { resource, scope, user, purposes }: Granted,
): Record<string, unknown> {
  const iat = Math.floor(own.clock.time)
  const scopes = parseScope(scope)
  const others = scopes.filter(name => !identityScopes.includes(name))
  return {
    iss: auth,
    aud: resource,
    sub: user,
    iat,
    exp: iat + 600,
    jti: `jti-${own.issued}`,
    cnf: { jwk: key.publicJwk },
    ...(agent === resource ? {} : { agent }),
    ...(delegate === undefined ? {} : { agent_delegate: delegate }),
    ...(others.length === 0 ? {} : { scope: others.join(' ') }),
    ...(purposes === undefined ? {} : { purposes }),
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
