import type { Policy } from '@countersign/auth-server'
import { askUsers } from '@countersign/auth-server'
import { createDiscovery } from '@countersign/discovery'
import { hiddenFields } from '@countersign/testing/browser'
import { bodyOf } from '@countersign/testing/responses'
import { makeWeb, publishAgent, publishResource } from '@countersign/testing/world/web'
import { demoUsers } from '@countersign/user-desk'
import { type Browser, browser, signInAs } from './browser.js'
import { agentServer, resourceToken, type Signer, send, type World, type WorldOptions, world } from './world.js'

export const callback = 'https://app.example/callback'

/** A world whose auth server asks users: Ada and Grace. */
export async function consentWorld(
  o: Omit<WorldOptions, 'policy'> & { readonly policy?: Policy } = {},
): Promise<World> {
  const made = await world({
    policy: askUsers([{ agents: 'any', resources: 'any' }]),
    development: true,
    login: [
      demoUsers([
        { name: 'Ada', subject: 'ada', email: 'ada@demo.example', email_verified: true },
        { name: 'Grace', subject: 'grace' },
      ]),
    ],
    ...o,
  })
  publishAgent(made, 'https://agent.example', [made.agentKey], {
    redirect_uris: [callback, 'https://app.example/other?app=1'],
  })
  publishResource(made, 'https://calendar.example', [made.resourceKey], {
    supported_scopes: ['events.read', 'events.write'],
  })
  return made
}

/** Another instance of a world's auth server, on the same database. */
export async function secondInstance(
  made: World,
  database: string,
  more: Parameters<typeof consentWorld>[0] & {} = {},
): Promise<World> {
  const other = await consentWorld({
    ...more,
    database,
    now: () => made.clock.now,
    discovery: createDiscovery({ now: () => made.clock.now, fetcher: makeWeb(made.web).fetcher }),
  })
  return { ...made, auth: other.auth, events: other.events }
}

/** Changes members of the agent's metadata. */
export function allowRedirects({ web }: Pick<World, 'web'>, members: Record<string, unknown>): void {
  const url = 'https://agent.example/.well-known/aauth-agent'
  web.set(url, { ...Object(web.get(url)), ...members })
}

/** A browser of this world's auth server, in which `subject` is signed in. */
export async function browserOf(made: Pick<World, 'auth'>, subject?: 'ada' | 'grace'): Promise<Browser> {
  const one = browser(made.auth, 'https://auth.example')
  if (subject !== undefined) await signInAs(one, subject)
  return one
}

/** What may differ between requests. */
export interface AskOptions {
  readonly scope?: string
  readonly form?: Record<string, string>
}

/** Sends `request_type=auth` for events at the calendar. */
export async function askUser(made: World, signer: Signer, o: AskOptions = {}): Promise<Response> {
  const resource_token = await resourceToken(made, signer, { claims: { scope: o.scope ?? 'events.read' } })
  return send(made, signer, { request_type: 'auth', resource_token, redirect_uri: callback, state: 's1', ...o.form })
}

/** The request token of a request that waits. */
export async function requestTokenOf(response: Response): Promise<string> {
  const { request_token } = await bodyOf(response)
  if (response.status !== 200 || typeof request_token !== 'string') {
    throw new Error('the request that a test starts from was refused', { cause: response.status })
  }
  return request_token
}

/** The link of a request, as an honest agent makes it. */
export function linkOf(request_token: string, o: { redirect_uri?: string; state?: string | null } = {}): string {
  const { redirect_uri = callback, state = 's1' } = o
  const query = new URLSearchParams({ request_token, redirect_uri, ...(state === null ? {} : { state }) })
  return `/agent/authorize?${query}`
}

/** Opens the link and follows it as far as a page, or away. */
export async function open(one: Browser, link: string): Promise<Response> {
  let response = await one.get(link)
  for (let hops = 0; hops < 3; hops++) {
    const location = response.headers.get('location')
    if (response.status !== 303 || location === null || !location.startsWith('/')) return response
    response = await one.get(location)
  }
  return response
}

/** Answers the consent page that `link` leads to. */
export async function decide(
  one: Browser,
  link: string,
  answer: { readonly decision: 'allow' | 'deny'; readonly scopes?: readonly string[] },
): Promise<Response> {
  const opened = await open(one, link)
  // Sent on at once: nothing new to ask.
  if (opened.status === 303) return opened
  const page = await opened.text()
  return one.post('/agent/consent', {
    ...hiddenFields(page),
    decision: answer.decision,
    ...Object.fromEntries((answer.scopes ?? ['events.read']).map(name => [`scope:${name}`, 'on'])),
  })
}

/** Where the browser is sent with the answer. */
export function answerOf(response: Response): URL {
  const location = response.headers.get('location')
  if (response.status !== 303 || location === null) throw new Error('not sent on', { cause: response.status })
  return new URL(location)
}

/** A code that a user has just allowed, and the request token it belongs to. */
export async function allowedCode(
  made: World,
  signer: Signer,
  o: AskOptions & { readonly scopes?: readonly string[]; readonly one?: Browser } = {},
): Promise<{ code: string; request_token: string; redirect_uri: string }> {
  const request_token = await requestTokenOf(await askUser(made, signer, o))
  const one = o.one ?? (await browserOf(made, 'ada'))
  const { redirect_uri = callback, state = 's1' } = o.form ?? {}
  const scopes = o.scopes ?? (o.scope ?? 'events.read').split(' ')
  const response = await decide(one, linkOf(request_token, { redirect_uri, state }), { decision: 'allow', scopes })
  return { code: answerOf(response).searchParams.get('code') ?? '', request_token, redirect_uri }
}

/** Sends `request_type=code`. */
export function redeemCode(made: World, signer: Signer, form: Record<string, string>): Promise<Response> {
  return send(made, signer, { request_type: 'code', ...form })
}

/** The agent server, asking for what is the agent's own: who the user is. */
export async function askIdentity(made: World, form: Record<string, string> = {}): Promise<Response> {
  return send(made, agentServer(made), {
    request_type: 'auth',
    scope: 'openid profile email',
    redirect_uri: callback,
    state: 's1',
    ...form,
  })
}

/** What {@link shown} is of an error page. */
export const page400: ReadonlyArray<number | string | null> = [400, null, 'text/html; charset=utf-8']

/** What a browser is shown: the status, where it is sent, and the kind of page. */
export function shown({ status, headers }: Response): ReadonlyArray<number | string | null> {
  return [status, headers.get('location'), headers.get('content-type')]
}
