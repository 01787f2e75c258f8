import { type Browser, browser } from '@countersign/testing/auth/browser'
import { world } from '@countersign/testing/auth/world'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openidConnect } from './openid.js'
import { type SignInProvider, startProvider, throughPages } from './openid.test.fixture.js'

const issuer = 'http://localhost:4120'
const callback = `${issuer}/login/callback/corp`
let upstream: string
const profile = { name: 'Ada Lovelace', email: 'ada@corp.example', email_verified: true }
let provider: SignInProvider
const atProvider = (url: string, account: string): Promise<string> => throughPages(url, account, issuer)

beforeAll(async () => {
  provider = await startProvider(callback, () => profile)
  upstream = provider.issuer
})

afterAll(() => provider.close())

async function place(o: { readonly clientSecret?: string; readonly at?: string } = {}) {
  const login = openidConnect({
    id: 'corp',
    name: 'Corp',
    issuer: o.at ?? upstream,
    clientId: 'countersign',
    clientSecret: o.clientSecret ?? 'secret',
    dangerouslyAllowLoopbackHttp: true,
  })
  /** Seconds by which our clock is ahead. */
  const clock = { ahead: 0 }
  const made = await world({ issuer, development: true, login: [login], now: () => Date.now() / 1000 + clock.ahead })
  return { ...made, clock, open: () => browser(made.auth, issuer) }
}

const loginCookies = ({ cookies }: Browser): string[] =>
  [...cookies.keys()].filter(name => /^countersign-login-[\w-]{8}-4120$/.test(name))

const targetOf = (url: string): string => url.slice(issuer.length)

/** Begins at our server, signs in at the provider, and comes back. */
async function signIn(one: Browser, account: string): Promise<Response> {
  const sent = await one.get('/login?return_to=/logout&login_hint=ada%40corp.example')
  return one.get(targetOf(await atProvider(sent.headers.get('location') ?? '', account)))
}

test('a user signs in at a provider, and their claims are as fresh as their last login', async () => {
  const { open, events } = await place()
  const one = open()
  const sent = await one.get('/login?return_to=/logout&login_hint=ada%40corp.example')
  expect(sent.status).toBe(303)
  const url = new URL(sent.headers.get('location') ?? '')
  expect(url.href.startsWith(`${upstream}/auth?`)).toBe(true)
  expect(Object.fromEntries(url.searchParams)).toEqual({
    client_id: 'countersign',
    redirect_uri: callback,
    response_type: 'code',
    scope: 'openid profile email',
    login_hint: 'ada@corp.example',
    code_challenge: expect.stringMatching(/^[\w-]{43}$/),
    code_challenge_method: 'S256',
    state: expect.stringMatching(/^[\w-]{22}$/),
    nonce: expect.stringMatching(/^[\w-]{43}$/),
  })
  const back = await one.get(targetOf(await atProvider(url.href, 'ada')))
  expect([back.status, back.headers.get('location')]).toEqual([303, '/logout'])
  expect(loginCookies(one)).toEqual([])
  expect(await (await one.get('/logout')).text()).toContain('Ada Lovelace')

  profile.name = 'Countess of Lovelace'
  const second = open()
  expect((await signIn(second, 'ada')).status).toBe(303)
  expect(await (await second.get('/logout')).text()).toContain('Countess of Lovelace')
  expect(await (await one.get('/logout')).text()).toContain('Countess of Lovelace')
  const subs = events.flatMap(event => (event.type === 'signed_in' ? [event.sub] : []))
  expect(subs).toHaveLength(2)
  expect(subs[0]).toBe(subs[1])
})

test('a provider’s answer works once, in the browser that began the sign-in, with its state', async () => {
  const { open } = await place()
  const one = open()
  const sent = await one.get('/login?return_to=/logout')
  const answer = targetOf(await atProvider(sent.headers.get('location') ?? '', 'ada'))
  const thief = open()
  await thief.get('/logout')
  expect((await thief.get(answer)).status).toBe(403)
  expect((await one.get(answer.replace(/state=[\w-]{5}/, 'state=AAAAA'))).status).toBe(403)
  expect((await one.get(`${answer}&state=x`)).status).toBe(403)
  expect((await one.get(answer)).status).toBe(303)
  expect((await one.get(answer)).status).toBe(403)
})

test.each(['after the other', 'with the other'])('two tabs sign in at once, one %s', async when => {
  const { open } = await place()
  const one = open()
  const begin = (path: string): Promise<Response> => one.get(`/login?return_to=${path}`)
  const [first, second] =
    when === 'with the other' ? await Promise.all([begin('/a'), begin('/b')]) : [await begin('/a'), await begin('/b')]
  const back = async (sent: Response): Promise<string | null> => {
    const url = await atProvider(sent.headers.get('location') ?? '', 'ada')
    return (await one.get(targetOf(url))).headers.get('location')
  }
  expect([await back(first), await back(second)]).toEqual(['/a', '/b'])
})

test('a browser keeps four sign-ins that it began, the last ones, for ten minutes by a clock a minute off', async () => {
  const { open, clock } = await place()
  const one = open()
  const states: string[] = []
  for (let count = 0; count < 6; count++) {
    clock.ahead += 1
    const sent = await one.get('/login?return_to=/a')
    states.push(new URL(sent.headers.get('location') ?? '').searchParams.get('state') ?? '')
  }
  expect(loginCookies(one)).toHaveLength(4)
  const kept = loginCookies(one).map(name => Buffer.from(one.cookies.get(name) ?? '', 'base64url').toString())
  for (const [index, state] of states.entries())
    expect(
      kept.some(text => text.includes(state)),
      String(index),
    ).toBe(index > 1)
  // The one that was begun, and is there, answers differently: it asks the provider, which knows no such code.
  const answered = async (later: number): Promise<string> => {
    clock.ahead += later
    const answer = await one.get(
      `/login/callback/corp?code=x&state=${states.pop()}&iss=${encodeURIComponent(upstream)}`,
    )
    return answer.text()
  }
  const unknown = 'data-reason="sign_in_invalid"'
  expect(await answered(-60)).not.toContain(unknown)
  expect(await answered(-60)).toContain(unknown)
  expect(await answered(120 + 590)).not.toContain(unknown)
  expect(await answered(20)).toContain(unknown)
})

test('a provider’s refusal is shown on a page, without its texts', async () => {
  const { open, events } = await place()
  const one = open()
  const sent = await one.get('/login?return_to=/a')
  const state = new URL(sent.headers.get('location') ?? '').searchParams.get('state') ?? ''
  const cancelled = new URLSearchParams({
    error: 'access_denied',
    error_description: '<script>alert(1)</script>',
    state,
    iss: upstream,
  })
  const answer = await one.get(`/login/callback/corp?${cancelled}`)
  expect([answer.status, answer.headers.get('location')]).toEqual([403, null])
  const page = await answer.text()
  expect(page).toContain('The sign-in was cancelled.')
  expect(page).not.toContain('script')
  expect(page).toContain('href="/login?return_to=%2Fa"')
  expect(events).toEqual([
    expect.objectContaining({
      type: 'sign_in_failed',
      provider: 'corp',
      code: 'access_denied',
      reason: 'sign_in_cancelled',
      peer: '192.0.2.9',
    }),
  ])
})

test('another try keeps the login hint and the wish to switch users', async () => {
  const { open } = await place()
  const retry = async (target: string): Promise<string | undefined> => {
    const one = open()
    const sent = await one.get(target)
    const state = new URL(sent.headers.get('location') ?? '').searchParams.get('state') ?? ''
    const cancelled = new URLSearchParams({ error: 'access_denied', state, iss: upstream })
    const page = await (await one.get(`/login/callback/corp?${cancelled}`)).text()
    return /href="(\/login\?[^"]+)"/.exec(page)?.[1]
  }
  expect(await retry('/login/start/corp?return_to=%2Fa&switch=1')).toBe('/login?return_to=%2Fa&amp;switch=1')
  expect(await retry('/login?return_to=%2Fa&login_hint=ada%40corp.example')).toBe(
    '/login?return_to=%2Fa&amp;login_hint=ada%40corp.example',
  )
  expect(await retry(`/login?return_to=%2Fa&login_hint=${'a'.repeat(5000)}`)).toBe('/login?return_to=%2Fa')
})

test('an answer of another issuer, a wrong code, a wrong nonce or a wrong secret is refused', async () => {
  const { open } = await place()
  const answered = async (one: Browser): Promise<URL> => {
    const sent = await one.get('/login?return_to=/a')
    return new URL(await atProvider(sent.headers.get('location') ?? '', 'ada'))
  }
  const changed = async (change: (url: URL, one: Browser) => void): Promise<number> => {
    const one = open()
    const url = await answered(one)
    change(url, one)
    return (await one.get(targetOf(url.href))).status
  }
  expect(await changed(() => undefined)).toBe(303)
  expect(await changed(url => url.searchParams.set('iss', 'https://evil.example'))).toBe(403)
  expect(await changed(url => url.searchParams.set('code', 'wrong'))).toBe(403)
  const rewrite = (from: RegExp, to: string) => (_url: URL, one: Browser) => {
    const [cookie = ''] = loginCookies(one)
    const text = Buffer.from(one.cookies.get(cookie) ?? '', 'base64url').toString()
    one.cookies.set(cookie, Buffer.from(text.replace(from, to)).toString('base64url'))
  }
  expect(await changed(rewrite(/"nonce":"[^"]+"/, '"nonce":"other"'))).toBe(403)
  expect(await changed(rewrite(/"nonce":"[^"]+"/, '"nonce":""'))).toBe(403)
  expect(await changed(rewrite(/"code_verifier":"[^"]+"/, `"code_verifier":"${'a'.repeat(43)}"`))).toBe(403)
  const wrong = (await place({ clientSecret: 'wrong' })).open()
  expect((await signIn(wrong, 'ada')).status).toBe(403)
})

test('a provider that does not answer is an error page, and the next try asks it again', async () => {
  const { open } = await place({ at: 'http://127.0.0.1:1' })
  for (let time = 0; time < 2; time++) {
    const answer = await open().get('/login?return_to=/a')
    expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '30'])
    expect(await answer.text()).toContain('does not answer')
  }
})

test('"not you?" makes the provider ask its user to sign in', async () => {
  const { open } = await place()
  const one = open()
  const asked = await one.get('/login?return_to=/a&switch=1')
  expect([asked.status, asked.headers.get('location')]).toEqual([200, null])
  const [, href = ''] = /href="(\/[^"]+)"/.exec(await asked.text()) ?? []
  expect(href).toBe('/login/start/corp?return_to=%2Fa&amp;switch=1')
  const sent = await one.get(href.replaceAll('&amp;', '&'))
  expect(new URL(sent.headers.get('location') ?? '').searchParams.get('prompt')).toBe('login')
})

test('a provider without TLS, an empty client or a scope without openid is refused', () => {
  const corp = { id: 'corp', name: 'Corp', clientId: 'countersign' }
  expect(() => openidConnect({ ...corp, issuer: 'http://127.0.0.1:1' })).toThrow(TypeError)
  expect(() => openidConnect({ ...corp, issuer: 'http://corp.example', dangerouslyAllowLoopbackHttp: true })).toThrow(
    TypeError,
  )
  expect(() => openidConnect({ ...corp, issuer: 'https://corp.example', clientId: '' })).toThrow(TypeError)
  expect(() => openidConnect({ ...corp, issuer: 'https://corp.example', scope: 'profile' })).toThrow(TypeError)
  expect(() => openidConnect({ ...corp, issuer: 'https://corp.example' })).not.toThrow()
})
