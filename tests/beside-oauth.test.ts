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

// The example: an OAuth server and an AAuth auth server on one origin, with one user database and one sign-in.

const folder = temporaryFolder()
let example: StartedExample
let asker: StartedAgent
let [origin, api] = ['', '']
beforeAll(async () => {
  example = await startExample('beside-oauth', folder)
  ;({ origin, api } = example)
  asker = await startAgent(example)
})
afterAll(async () => {
  await asker.close()
  await example.end()
})

const fromOwnPage = () => ({ origin })

async function signedIn(name: string, password: string): Promise<Browser> {
  const browser = networkBrowser()
  const answer = await browser.post(`${origin}/sign-in`, { name, password, return_to: '/apps' }, fromOwnPage())
  expect(answer.headers.get('location')).toBe('/apps')
  return browser
}

const authorizationUrl = (more = {}) => `${origin}/auth?${authorizationQuery({ client_id: 'mobile', ...more })}`

/** The access token of an OAuth client that the user of this browser lets in. */
async function oauthToken(browser: Browser): Promise<string> {
  const { leadsTo } = await follow(browser, authorizationUrl())
  return redeem(`${origin}/token`, leadsTo, { client_id: 'mobile' })
}

const asClient = (token: string): Promise<Response> =>
  fetch(`${api}/events`, { headers: { authorization: `Bearer ${token}` } })

describe('an application beside its OAuth server', () => {
  test('lets an OAuth client and an AAuth agent of one user in, by one sign-in, and takes each back by one list', async () => {
    const browser = await signedIn('ada', 'analytical')
    const token = await oauthToken(browser)
    expect(await (await asClient(token)).json()).toMatchObject({ credential: 'bearer', user: '17' })
    const view = asker.agent.forUser('ada')
    // No page asks the user to sign in again.
    await allow(browser, view, example)
    const seen = (await (await view.fetch(`${api}/events`)).json()) as Record<string, string>
    expect(seen).toMatchObject({ credential: 'aauth', agent: asker.id, events: ['Chess at eight'] })

    const list = await (await browser.get(`${origin}/apps`)).text()
    const grant = /name="grant" value="([^"]+)"/.exec(list)?.[1] ?? ''
    expect([list.includes(asker.id), list.includes('mobile'), grant === '']).toEqual([true, true, false])
    // Another user sees and ends nothing of it.
    const other = await signedIn('grace', 'compiler')
    await other.post(`${origin}/apps`, { grant, agent: asker.id }, fromOwnPage())
    expect([(await asClient(token)).status, (await view.fetch(`${api}/events`)).status]).toEqual([200, 200])
    // Another site's form ends nothing either (CSRF).
    const forged = await browser.post(`${origin}/apps`, { grant }, { origin: 'https://evil.example' })
    expect([forged.status, (await asClient(token)).status]).toEqual([403, 200])

    await browser.post(`${origin}/apps`, { agent: asker.id }, fromOwnPage())
    const seenNow = (): Promise<string> => view.fetch(`${api}/events`).then(String, String)
    await expect.poll(seenNow, { timeout: 10_000 }).toContain('AgentError')
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
