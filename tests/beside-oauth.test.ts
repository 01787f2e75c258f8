import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { AgentError, agentServer, callbackRoute, createAgent } from '@countersign/agent'
import { createAgentServer } from '@countersign/agent-server'
import { serve } from '@countersign/server'
import { type Browser, hiddenFields, networkBrowser } from '@countersign/testing/browser'
import { freePort, freePorts } from '@countersign/testing/ports'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { root } from './processes.fixture.js'

// The example: an OAuth server and an AAuth auth server on one origin, with one user database and one sign-in.

const redirectUri = 'http://127.0.0.1:4799/callback'
const verifier = 'a-code-verifier-of-forty-three-characters-00'
const ends: Array<() => Promise<unknown>> = []
let [origin, api, app] = ['', '', '']
let agent: ReturnType<typeof createAgent>

beforeAll(async () => {
  const [port, appPort] = [await freePorts(2), await freePort()]
  const { start } = (await import(pathToFileURL(join(root, 'examples/beside-oauth/app.mjs')).href)) as {
    start(o: object): Promise<{ origin: string; api: string; end(): Promise<void> }>
  }
  const started = await start({ port, redirectUri })
  ;({ origin, api } = started)
  ends.push(started.end)
  app = `http://localhost:${appPort}`
  const development = true
  const server = await createAgentServer({ id: app, redirectUris: [`${app}/callback`], development })
  const place = { name: 'agent', id: app, port: appPort, participant: server, development, signals: false }
  const running = await serve({ ...place, level: 'error', announce: () => undefined })
  ends.push(() => running.close())
  agent = createAgent({
    identity: agentServer({ id: app, key: server.signingKey }),
    ...{ acceptAuthServer: [origin], identifyTo: [api], development },
    interact: callbackRoute({ redirectUri: `${app}/callback` }),
  })
})
afterAll(async () => {
  for (const end of ends.reverse()) await end()
})

const fromOwnPage = () => ({ origin })

async function signedIn(name: string, password: string): Promise<Browser> {
  const browser = networkBrowser()
  const answer = await browser.post(`${origin}/sign-in`, { name, password, return_to: '/apps' }, fromOwnPage())
  expect(answer.headers.get('location')).toBe('/apps')
  return browser
}

/** Follows redirects within the site; the last answer, and where it leads if that is elsewhere. */
async function follow(browser: Browser, url: string): Promise<{ response: Response; leadsTo: string; at: string }> {
  let at = url
  for (let hops = 0; hops < 10; hops++) {
    const response = await browser.get(at)
    const location = response.headers.get('location')
    if (location === null) return { response, leadsTo: '', at }
    const next = new URL(location, at).href
    if (!next.startsWith(`${origin}/`)) return { response, leadsTo: next, at }
    at = next
  }
  throw new Error(`too many redirects, the last to ${at}`)
}

function authorizationUrl(more: Record<string, string> = {}): string {
  const code_challenge = createHash('sha256').update(verifier).digest('base64url')
  const client = { client_id: 'mobile', redirect_uri: redirectUri, response_type: 'code', scope: 'openid events.read' }
  return `${origin}/auth?${new URLSearchParams({ ...client, code_challenge, code_challenge_method: 'S256', ...more })}`
}

/** The access token of an OAuth client that the user of this browser lets in. */
async function oauthToken(browser: Browser): Promise<string> {
  const { leadsTo } = await follow(browser, authorizationUrl())
  const code = new URL(leadsTo).searchParams.get('code') ?? ''
  const body = { grant_type: 'authorization_code', code, redirect_uri: redirectUri, client_id: 'mobile' }
  const form = new URLSearchParams({ ...body, code_verifier: verifier })
  const answer = await fetch(`${origin}/token`, { method: 'POST', body: form })
  return ((await answer.json()) as { access_token: string }).access_token
}

const asClient = (token: string): Promise<Response> =>
  fetch(`${api}/events`, { headers: { authorization: `Bearer ${token}` } })

type View = ReturnType<typeof agent.forUser>

/** The consent page that the agent's user sees, and the way to allow what it asks. */
async function allow(browser: Browser, view: View): Promise<void> {
  const error = await view.fetch(`${api}/events`).catch((thrown: unknown) => thrown)
  if (!(error instanceof AgentError) || error.url === undefined) throw error
  const { response, at } = await follow(browser, error.url)
  const page = await response.text()
  expect([new URL(at).pathname, page.includes('See your events')]).toEqual(['/agent/consent', true])
  const form = { ...hiddenFields(page), 'scope:events.read': 'on', decision: 'allow' }
  const answer = await browser.post(`${origin}/agent/consent`, form)
  await view.handleCallback(new URL(answer.headers.get('location') ?? ''))
}

describe('an application beside its OAuth server', () => {
  test('lets an OAuth client and an AAuth agent of one user in, by one sign-in, and takes each back by one list', async () => {
    const browser = await signedIn('ada', 'analytical')
    const token = await oauthToken(browser)
    expect(await (await asClient(token)).json()).toMatchObject({ credential: 'bearer', user: '17' })
    const view = agent.forUser('ada')
    // No page asks the user to sign in again.
    await allow(browser, view)
    const seen = (await (await view.fetch(`${api}/events`)).json()) as Record<string, string>
    expect(seen).toMatchObject({ credential: 'aauth', agent: app, events: ['Chess at eight'] })

    const list = await (await browser.get(`${origin}/apps`)).text()
    const grant = /name="grant" value="([^"]+)"/.exec(list)?.[1] ?? ''
    expect([list.includes(app), list.includes('mobile'), grant === '']).toEqual([true, true, false])
    // Another user sees and ends nothing of it.
    const other = await signedIn('grace', 'compiler')
    await other.post(`${origin}/apps`, { grant, agent: app }, fromOwnPage())
    expect([(await asClient(token)).status, (await view.fetch(`${api}/events`)).status]).toEqual([200, 200])
    // Another site's form ends nothing either (CSRF).
    const forged = await browser.post(`${origin}/apps`, { grant }, { origin: 'https://evil.example' })
    expect([forged.status, (await asClient(token)).status]).toEqual([403, 200])

    await browser.post(`${origin}/apps`, { agent: app }, fromOwnPage())
    await expect.poll(() => view.fetch(`${api}/events`).then(String, String)).toContain('AgentError')
    expect((await asClient(token)).status).toBe(200)
    await browser.post(`${origin}/apps`, { grant }, fromOwnPage())
    expect((await asClient(token)).status).toBe(401)
    expect(await (await browser.get(`${origin}/apps`)).text()).toContain('No app is connected')
  })

  test('signing out of the application signs out of both', async () => {
    const browser = await signedIn('grace', 'compiler')
    await oauthToken(browser)
    expect(await (await follow(browser, `${origin}/account`)).response.text()).toContain('Grace Hopper')
    await browser.post(`${origin}/sign-out`, {}, fromOwnPage())
    expect(new URL((await follow(browser, `${origin}/account`)).at).pathname).toBe('/sign-in')
    const silent = await follow(browser, authorizationUrl({ prompt: 'none' }))
    expect(new URL(silent.leadsTo).searchParams.get('error')).toBe('login_required')
  })

  test('signing out of the auth server signs out of the application', async () => {
    const browser = await signedIn('ada', 'analytical')
    await follow(browser, `${origin}/account`)
    const csrf = await browser.csrf(`${origin}/logout`)
    expect((await browser.post(`${origin}/logout`, { csrf })).status).toBe(200)
    expect((await browser.get(`${origin}/apps`)).headers.get('location')).toBe('/sign-in?return_to=/apps')
  })

  test('a wrong password signs nobody in, and the sign-in page leads to this site only', async () => {
    const browser = networkBrowser()
    const wrong = await browser.post(`${origin}/sign-in`, { name: 'ada', password: 'x' }, fromOwnPage())
    expect([wrong.status, browser.cookies(origin).size]).toEqual([403, 0])
    for (const return_to of ['https://evil.example/', '//evil.example', 'javascript:alert(1)'])
      expect((await browser.get(`${origin}/sign-in?${new URLSearchParams({ return_to })}`)).status).toBe(400)
    expect((await browser.get(`${origin}/sign-in?return_to=/apps`)).status).toBe(200)
  })
})
