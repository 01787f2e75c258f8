import { type Browser, networkBrowser } from '@countersign/testing/browser'
import { temporaryFolder } from '@countersign/testing/folders'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  allow,
  authorizationQuery,
  follow,
  redeem,
  type StartedAgent,
  type StartedExample,
  startAgent,
  startExample,
} from './beside.fixture.js'

// The example: the users of better-auth, its OAuth server, and an auth server on the same origin.

const folder = temporaryFolder()
let example: StartedExample
let asker: StartedAgent
let [origin, api, client] = ['', '', '']
beforeAll(async () => {
  example = await startExample('beside-better-auth', folder)
  ;({ origin, api, clientId: client = '' } = example)
  asker = await startAgent(example)
})
afterAll(async () => {
  await asker.close()
  await example.end()
})

/** Sends JSON to better-auth as a page of the site does; the cookies come into the browser. */
async function send(browser: Browser, path: string, body: object): Promise<Response> {
  const cookie = [...browser.cookies(origin)].map(([name, value]) => `${name}=${value}`).join('; ')
  const answer = await fetch(`${origin}/api/auth/${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', origin, cookie },
    body: JSON.stringify(body),
  })
  for (const line of answer.headers.getSetCookie()) {
    const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? []
    browser.cookies(origin).set(name, value)
  }
  return answer
}

/** Signs Ada in, with what the sign-in page was asked for. */
const signIn = (browser: Browser, password: string, more = {}): Promise<Response> =>
  send(browser, 'sign-in/email', { email: 'ada@example.org', password, ...more })

async function signedIn(): Promise<Browser> {
  const browser = networkBrowser()
  expect((await signIn(browser, 'analytical engine')).status).toBe(200)
  return browser
}

const authorizationUrl = (more = {}) =>
  `${origin}/api/auth/oauth2/authorize?${authorizationQuery({ client_id: client, resource: api, ...more })}`

/** Answers the consent page of better-auth, as its page does. */
async function consent(browser: Browser, page: string, accept: boolean): Promise<string> {
  const answer = await send(browser, 'oauth2/consent', { accept, oauth_query: new URL(page).search.slice(1) })
  return ((await answer.json()) as { url: string }).url
}

/** The access token of the OAuth client that the user of this browser lets in. */
async function oauthToken(browser: Browser): Promise<string> {
  const { at, response } = await follow(browser, authorizationUrl())
  expect([new URL(at).pathname, await response.text()]).toEqual(['/consent', expect.stringContaining('<b>mobile</b>')])
  const leadsTo = await consent(browser, at, true)
  return redeem(`${origin}/api/auth/oauth2/token`, leadsTo, { client_id: client, resource: api })
}

const asClient = (token: string): Promise<Response> =>
  fetch(`${api}/events`, { headers: { authorization: `Bearer ${token}` } })

const pathOf = async (browser: Browser, path: string) => new URL((await follow(browser, origin + path)).at).pathname

describe('an application beside better-auth', () => {
  test('lets an OAuth client and an AAuth agent of one user in, by one sign-in, and takes each back by one list', async () => {
    const browser = await signedIn()
    const token = await oauthToken(browser)
    expect(await (await asClient(token)).json()).toMatchObject({ credential: 'bearer', user: expect.any(String) })
    const view = asker.agent.forUser('ada')
    // No page asks the user to sign in again.
    await allow(browser, view, example)
    expect(await (await view.fetch(`${api}/events`)).json()).toMatchObject({ credential: 'aauth', agent: asker.id })

    const list = await (await browser.get(`${origin}/apps`)).text()
    const id = /name="consent" value="([^"]+)"/.exec(list)?.[1] ?? ''
    expect([list.includes(asker.id), list.includes('mobile'), id === '']).toEqual([true, true, false])
    // Another user sees and ends nothing of it.
    const other = networkBrowser()
    const grace = { email: 'grace@example.org', name: 'Grace Hopper', password: 'the first compiler' }
    expect((await send(other, 'sign-up/email', grace)).status).toBe(200)
    await other.post(`${origin}/apps`, { consent: id, agent: asker.id }, { origin })
    expect([(await asClient(token)).status, (await view.fetch(`${api}/events`)).status]).toEqual([200, 200])
    // Another site's form ends nothing either (CSRF).
    const forged = await browser.post(`${origin}/apps`, { consent: id }, { origin: 'https://evil.example' })
    expect([forged.status, (await asClient(token)).status]).toEqual([403, 200])

    await browser.post(`${origin}/apps`, { agent: asker.id }, { origin })
    const seenNow = (): Promise<string> => view.fetch(`${api}/events`).then(String, String)
    await expect.poll(seenNow, { timeout: 10_000 }).toContain('AgentError')
    expect((await asClient(token)).status).toBe(200)
    await browser.post(`${origin}/apps`, { consent: id }, { origin })
    expect((await asClient(token)).status).toBe(401)
    expect(await (await browser.get(`${origin}/apps`)).text()).toContain('No app is connected')
  })

  test('an OAuth client gets nothing from a user who says no, and a user who is signed out is asked to sign in', async () => {
    const browser = networkBrowser()
    const { at } = await follow(browser, authorizationUrl({ state: 'one' }))
    expect(new URL(at).pathname).toBe('/sign-in')
    const signed = await signIn(browser, 'analytical engine', { oauth_query: new URL(at).search.slice(1) })
    const { url } = (await signed.json()) as { url: string }
    const answer = new URL(await consent(browser, new URL(url, origin).href, false))
    expect([answer.searchParams.get('error'), answer.searchParams.get('code')]).toEqual(['access_denied', null])
  })

  test('a user of better-auth is signed in at the auth server, and signs out of both at once', async () => {
    const browser = networkBrowser()
    expect(await pathOf(browser, '/account')).toBe('/sign-in')
    expect((await signIn(browser, 'wrong engine')).status).toBe(401)
    expect(await pathOf(browser, '/account')).toBe('/sign-in')
    expect((await signIn(browser, 'analytical engine')).status).toBe(200)
    const { at, response } = await follow(browser, `${origin}/account`)
    expect([new URL(at).pathname, (await response.text()).includes('Ada Lovelace')]).toEqual(['/account', true])
    const token = await oauthToken(browser)
    expect((await asClient(token)).status).toBe(200)

    const csrf = await browser.csrf(`${origin}/logout`)
    expect((await browser.post(`${origin}/logout`, { csrf })).status).toBe(200)
    expect([...browser.cookies(origin).keys()].filter(name => name.startsWith('better-auth'))).toEqual([])
    expect(await pathOf(browser, '/account')).toBe('/sign-in')
    const silent = await follow(browser, authorizationUrl({ prompt: 'none' }))
    expect(new URL(silent.leadsTo).searchParams.get('error')).toBe('login_required')
    // better-auth ends access tokens with the session that they were given in.
    expect((await asClient(token)).status).toBe(401)
  })

  test('a user who signs out of better-auth is signed out of the auth server', async () => {
    const browser = await signedIn()
    expect(await pathOf(browser, '/account')).toBe('/account')
    const before = new Map(browser.cookies(origin))
    expect((await send(browser, 'sign-out', {})).status).toBe(200)
    // The cookies are still there: what they stand for has ended.
    for (const [name, value] of before) browser.cookies(origin).set(name, value)
    expect(await pathOf(browser, '/account')).toBe('/sign-in')
  })

  test('the sign-in page leads to this site only', async () => {
    const browser = networkBrowser()
    for (const return_to of ['https://evil.example/', '//evil.example', 'javascript:alert(1)'])
      expect((await browser.get(`${origin}/sign-in?${new URLSearchParams({ return_to })}`)).status).toBe(400)
    expect((await browser.get(`${origin}/sign-in?return_to=/apps`)).status).toBe(200)
  })
})
