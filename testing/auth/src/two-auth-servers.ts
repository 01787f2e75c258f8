import type { AuthServerEvent, AuthServerOptions } from '@countersign/auth-server'
import { askUsers, createAuthServer } from '@countersign/auth-server'
import { createDiscovery, type Fetcher } from '@countersign/discovery'
import { fromRequest, generateSigningKey } from '@countersign/httpsig'
import { hiddenFields } from '@countersign/testing/browser'
import { sqliteOfTest } from '@countersign/testing/folders'
import { part } from '@countersign/testing/json-web-token'
import { bodyOf } from '@countersign/testing/responses'
import { resourceToken } from '@countersign/testing/world/tokens'
import { makeWeb, publishAgent, publishResource } from '@countersign/testing/world/web'
import { demoUsers, userDesk } from '@countersign/user-desk'
import { type Browser, browser, signInAs } from './browser.js'
import { answerOf, open } from './consent.js'
import { type ExchangeWorld, exchange, exchangeWorld, middleCallback, middleId, upstreamIssuer } from './exchange.js'
import { type AnsweringServer, agentServer, post, type Signer, send } from './world.js'

export const agentCallback = 'https://agent.example/callback'
const auth = 'https://auth.example'

/** Two auth servers: `one` signs in the users of the agent and the calendar, `auth` is that of rooms. */
export interface TwoAuthServers extends ExchangeWorld {
  readonly one: AnsweringServer
  readonly oneEvents: AuthServerEvent[]
  readonly agent: Signer
  /** Forms that `auth` sent to the token endpoint of `one`. */
  readonly posts: Array<Record<string, string>>
  /** Whether `one` can be reached by them. */
  reach: 'answers' | 'is down' | 'hangs'
  /** Starts `auth` anew: what was in memory is gone. */
  restart(): Promise<void>
}

export async function twoAuthServers(
  o: Partial<AuthServerOptions> & { readonly clock?: { now: number } } = {},
): Promise<TwoAuthServers> {
  const clock = o.clock ?? { now: 1_767_225_600 }
  const now = () => clock.now
  const web = makeWeb()
  const posts: Array<Record<string, string>> = []
  const oneEvents: AuthServerEvent[] = []
  const servers: Record<string, AnsweringServer> = {}
  const fetcher: Fetcher = async (url, limits) => {
    const { origin, pathname } = new URL(url)
    const server = servers[origin]
    if (server === undefined) return web.fetcher(url, limits)
    const response = await server.handle({ method: 'GET', target: pathname, headers: [] })
    const body = new Uint8Array(await response.arrayBuffer())
    return { status: response.status, contentType: 'application/json', body }
  }
  const discovery = createDiscovery({ fetcher, now })
  const upstreamKey = { kid: 'u1', key: await generateSigningKey() }
  const one = await createAuthServer({
    issuer: upstreamIssuer,
    keys: [upstreamKey],
    database: 'sqlite::memory:',
    desk: userDesk({
      login: [
        demoUsers([
          { name: 'Ada Lovelace', subject: 'ada' },
          { name: 'Eve', subject: 'eve' },
        ]),
      ],
    }),
    policy: askUsers([
      { agents: 'any', resources: [middleId], scopes: ['events.write'] },
      { agents: [auth], resources: ['self'], scopes: ['openid'] },
    ]),
    development: true,
    discovery,
    now,
    onEvent: event => oneEvents.push(event),
  })
  const sending: Pick<TwoAuthServers, 'reach'> = { reach: 'answers' }
  const made = await exchangeWorld({
    clock,
    upstreamKey,
    fetch: async (input: string | URL | Request, init?: RequestInit) => {
      const request = new Request(input, init)
      if (sending.reach === 'is down') throw new TypeError('fetch failed')
      if (sending.reach === 'hangs') return new Promise<never>(() => undefined)
      posts.push(Object.fromEntries(new URLSearchParams(await request.clone().text())))
      return one.handle(await fromRequest(request, { bodyLimit: 65_536 }))
    },
    ...o,
    discovery,
  })
  for (const [url, document] of made.web) if (!url.startsWith(upstreamIssuer)) web.web.set(url, document)
  servers[upstreamIssuer] = one
  let current = made.auth
  const own: AnsweringServer = {
    handle: message => current.handle(message),
    ready: () => current.ready(),
    close: () => current.close(),
  }
  const restart = async (): Promise<void> => {
    await current.close()
    current = await made.reopen()
  }
  servers[auth] = own
  publishAgent(web, 'https://agent.example', [made.agentKey], { redirect_uris: [agentCallback] })
  publishResource(web, middleId, [made.middleKey], { supported_scopes: ['events.write'] })
  const agent = agentServer(made)
  return Object.assign(sending, made, { ...web, auth: own, restart, one, oneEvents, posts, agent })
}

/** A browser that goes to both auth servers, with the cookies of each. */
export interface Person {
  readonly at: Readonly<Record<'one' | 'auth', Browser>>
}

export function person({ one, auth: own }: Pick<TwoAuthServers, 'one' | 'auth'>): Person {
  return { at: { one: browser(one, upstreamIssuer), auth: browser(own, auth) } }
}

/** The token that the calendar was called with: `who` agreed to that at `one`. */
export async function upstreamFor(made: TwoAuthServers, who: Person, subject: 'ada' | 'eve'): Promise<string> {
  const resource_token = await calendarToken(made, made.agent, { aud: upstreamIssuer })
  const asked = await made.one.handle(
    await postTo(made, { request_type: 'auth', resource_token, redirect_uri: agentCallback, state: 'a1' }),
  )
  const { request_token } = await bodyOf(asked)
  await signInAs(who.at.one, subject)
  const query = new URLSearchParams({ request_token: String(request_token), redirect_uri: agentCallback, state: 'a1' })
  const back = await allow(who.at.one, await open(who.at.one, `/agent/authorize?${query}`), ['events.write'])
  const form = { code: answerOf(back).searchParams.get('code') ?? '', request_token: String(request_token) }
  const redeemed = await made.one.handle(
    await postTo(made, { request_type: 'code', redirect_uri: agentCallback, ...form }),
  )
  return String((await bodyOf(redeemed))['auth_token'])
}

/** What the calendar gives the agent for `events.write`. */
export function calendarToken(
  { middleKey, clock }: Pick<ExchangeWorld, 'middleKey' | 'clock'>,
  { key, agent }: Signer,
  { aud, ...claims }: { readonly aud: string; readonly txn?: string | undefined },
): Promise<string> {
  const by = { id: middleId, ...middleKey }
  return resourceToken(by, { key, agent, aud, now: clock.now, claims: { scope: 'events.write', ...claims } })
}

function postTo(made: TwoAuthServers, form: Record<string, string>): ReturnType<typeof post> {
  return post(made, made.agent, form, { origin: upstreamIssuer })
}

/** Presses Allow on a page with a form, with these scopes; a browser that was sent on already stays where it is. */
export async function allow(one: Browser, page: Response, scopes: readonly string[] = []): Promise<Response> {
  if (page.status === 303) return page
  const html = await page.text()
  const [, action = ''] = /<form method="post" action="(\/(?:agent|link)[^"]*)"/.exec(html) ?? []
  return one.post(action, {
    ...hiddenFields(html),
    decision: 'allow',
    ...Object.fromEntries(scopes.map(name => [`scope:${name}`, 'on'])),
  })
}

/** Begins an exchange that needs the user; the link to `auth`. */
export async function asksUser(
  made: ExchangeWorld,
  upstream: string,
): Promise<{ link: string; request_token: string }> {
  const { request_token } = await bodyOf(await exchange(made, { upstream, scope: 'rooms.book' }))
  if (typeof request_token !== 'string') throw new Error('the exchange that a test starts from asked no user')
  const query = new URLSearchParams({ request_token, redirect_uri: middleCallback, state: 's1' })
  return { link: `/agent/authorize?${query}`, request_token }
}

/** Follows a browser that `auth` sent to `one`, through sign-in and consent there, to the URL that it comes back with. */
export async function throughOne(who: Person, departure: Response): Promise<string> {
  const location = new URL(departure.headers.get('location') ?? 'none:')
  if (location.origin !== upstreamIssuer)
    throw new Error('not sent to the other auth server', { cause: departure.status })
  const page = await open(who.at.one, `${location.pathname}${location.search}`)
  const back = answerOf(await allow(who.at.one, page, ['openid']))
  return `${back.pathname}${back.search}`
}

/** Redeems a code of `auth` as the middle. */
export async function redeem(made: ExchangeWorld, back: Response, request_token: string): Promise<Response> {
  const code = answerOf(back).searchParams.get('code') ?? ''
  return send(made, made.middle, { request_type: 'code', code, request_token, redirect_uri: middleCallback })
}

export function claimsOf(answer: Record<string, unknown>): Record<string, unknown> {
  return part(answer['auth_token'], 1)
}

/** Two auth servers, into the database of one of which others can look. */
export async function watchedTwo(database: string = sqliteOfTest()): Promise<TwoAuthServers & { database: string }> {
  return Object.assign(await twoAuthServers({ database }), { database })
}

/** Ada on the page that asks about the link. */
interface AtLinkPage {
  readonly ada: Person
  readonly upstream: string
  readonly link: string
  readonly request_token: string
  readonly page: Response
}

/** Brings a browser to the page that asks about the link. */
export async function atLinkPage(made: TwoAuthServers): Promise<AtLinkPage> {
  const ada = person(made)
  const upstream = await upstreamFor(made, ada, 'ada')
  const { link, request_token } = await asksUser(made, upstream)
  await signInAs(ada.at.auth, 'ada')
  const back = await throughOne(ada, await open(ada.at.auth, link))
  const page = await open(ada.at.auth, back)
  return { ada, upstream, link, request_token, page }
}

/** Links Ada's accounts, and lets her allow rooms.book. */
export async function connected(
  made: TwoAuthServers,
): Promise<AtLinkPage & { readonly answer: Record<string, unknown> }> {
  const at = await atLinkPage(made)
  const next = await allow(at.ada.at.auth, at.page)
  const consent = await open(at.ada.at.auth, next.headers.get('location') ?? '')
  const decided = await allow(at.ada.at.auth, consent)
  const answer = await bodyOf(await redeem(made, decided, at.request_token))
  return { ...at, answer }
}
