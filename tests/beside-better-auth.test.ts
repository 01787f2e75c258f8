import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { type Browser, networkBrowser } from '@countersign/testing/browser'
import { freePort } from '@countersign/testing/ports'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { root } from './processes.fixture.js'

// The example: the users of better-auth, and an auth server on the same origin.

let origin = ''
let end: () => Promise<void>
beforeAll(async () => {
  const { start } = (await import(pathToFileURL(join(root, 'examples/beside-better-auth/app.mjs')).href)) as {
    start(o: object): Promise<{ origin: string; end(): Promise<void> }>
  }
  ;({ origin, end } = await start({ port: await freePort() }))
})
afterAll(() => end())

/** Signs in at better-auth, as its page does; the cookies come into the browser. */
async function signIn(browser: Browser, password: string): Promise<number> {
  const answer = await fetch(`${origin}/api/auth/sign-in/email`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', origin },
    body: JSON.stringify({ email: 'ada@example.org', password }),
  })
  for (const line of answer.headers.getSetCookie()) {
    const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? []
    browser.cookies(origin).set(name, value)
  }
  return answer.status
}

/** Follows redirects within the site; the last page and its address. */
async function open(browser: Browser, path: string): Promise<{ at: string; page: string }> {
  let at = new URL(path, origin)
  for (let hops = 0; hops < 10; hops++) {
    const response = await browser.get(at.href)
    const location = response.headers.get('location')
    if (location === null) return { at: at.pathname, page: await response.text() }
    at = new URL(location, at)
  }
  throw new Error(`too many redirects, the last to ${at.href}`)
}

test('a user of better-auth is signed in at the auth server, and signs out of both at once', async () => {
  const browser = networkBrowser()
  expect((await open(browser, '/account')).at).toBe('/sign-in')
  expect(await signIn(browser, 'wrong engine')).toBe(401)
  expect((await open(browser, '/account')).at).toBe('/sign-in')
  expect(await signIn(browser, 'analytical engine')).toBe(200)
  const account = await open(browser, '/account')
  expect([account.at, account.page.includes('Ada Lovelace')]).toEqual(['/account', true])

  const csrf = await browser.csrf(`${origin}/logout`)
  expect((await browser.post(`${origin}/logout`, { csrf })).status).toBe(200)
  expect([...browser.cookies(origin).keys()].filter(name => name.startsWith('better-auth'))).toEqual([])
  expect((await open(browser, '/account')).at).toBe('/sign-in')
})

test('a user who signs out of better-auth is signed out of the auth server', async () => {
  const browser = networkBrowser()
  await signIn(browser, 'analytical engine')
  expect((await open(browser, '/account')).at).toBe('/account')
  const cookie = [...browser.cookies(origin)].map(([name, value]) => `${name}=${value}`).join('; ')
  const headers = { cookie, origin, 'content-type': 'application/json' }
  expect((await fetch(`${origin}/api/auth/sign-out`, { method: 'POST', headers, body: '{}' })).status).toBe(200)
  // The cookies are still there: what they stand for has ended.
  expect((await open(browser, '/account')).at).toBe('/sign-in')
})
