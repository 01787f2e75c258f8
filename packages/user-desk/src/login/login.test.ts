import { verifies } from '@countersign/requirements'
import { browser, signInAs } from '@countersign/testing/auth/browser'
import { world } from '@countersign/testing/auth/world'
import { expect, test } from 'vitest'
import { demoUsers } from './login-method.js'

const development = 'http://localhost:4120'
const users = [
  { name: 'Ada Lovelace', email: 'ada@demo.example', subject: 'ada' },
  { name: 'Grace Hopper', subject: 'grace' },
]

async function place(o: { issuer?: string; database?: string } = {}) {
  const issuer = o.issuer ?? development
  const made = await world({ ...o, issuer, development: true, login: [demoUsers(users)] })
  return { ...made, open: () => browser(made.auth, issuer) }
}

test('a demo user signs in, is redirected by 303, and stays signed in', async () => {
  const { open, events } = await place()
  const one = open()
  const answer = await signInAs(one, 'ada', '/agent/authorize?request_token=r')
  expect(answer.status).toBe(303)
  expect(answer.headers.get('location')).toBe('/agent/authorize?request_token=r')
  expect(await (await one.get('/logout')).text()).toContain('Ada Lovelace')
  expect(await (await open().get('/logout')).text()).not.toContain('Ada Lovelace')
  expect(events).toEqual([{ type: 'signed_in', sub: expect.any(String), provider: 'demo', peer: '192.0.2.9' }])
})

test('the same account has the same sub in every browser, another account another', async () => {
  const { open, events } = await place()
  for (const subject of ['ada', 'ada', 'grace']) await signInAs(open(), subject)
  const subs = events.flatMap(event => (event.type === 'signed_in' ? [event.sub] : []))
  expect(subs[0]).toBe(subs[1])
  expect(subs[2]).not.toBe(subs[0])
  expect(subs[0]).toMatch(/^[A-Za-z0-9_-]{22}$/)
})

test(
  verifies('UIX-15', 'id.development.cookies', 'cookies: the port in the name in development, `__Host-` outside'),
  async () => {
    const { open } = await place()
    const one = open()
    await signInAs(one, 'ada')
    expect([...one.cookies.keys()]).toEqual(['countersign-browser-4120', 'countersign-session-4120'])
    for (const line of one.set) expect(line.slice(line.indexOf(';'))).toBe('; Path=/; HttpOnly; SameSite=Lax')

    const secure = (await place({ issuer: 'https://auth.example' })).open()
    await signInAs(secure, 'ada')
    expect([...secure.cookies.keys()]).toEqual(['__Host-countersign-browser', '__Host-countersign-session'])
    for (const line of secure.set)
      expect(line.slice(line.indexOf(';'))).toBe('; Path=/; HttpOnly; SameSite=Lax; Secure')
  },
)

test(verifies('UIX-15', 'a session cookie from before a sign-in is worth nothing after it'), async () => {
  const { open } = await place()
  const victim = open()
  await victim.get('/login')
  const fixed = open()
  for (const [name, value] of victim.cookies) fixed.cookies.set(name, value)
  const csrf = await fixed.csrf('/login')
  await signInAs(victim, 'ada')
  expect(await (await fixed.get('/logout')).text()).toContain('You are signed out')
  // The token of the time before is worth nothing either.
  expect((await victim.post('/logout', { csrf })).status).toBe(403)

  const before = new Map(victim.cookies)
  await signInAs(victim, 'grace')
  const left = open()
  for (const [name, value] of before) left.cookies.set(name, value)
  expect(await (await left.get('/logout')).text()).toContain('You are signed out')
  expect(await (await victim.get('/logout')).text()).toContain('Grace Hopper')
})

test('a session cookie is worth nothing in another browser', async () => {
  const { open } = await place()
  const one = open()
  await signInAs(one, 'ada')
  const other = open()
  await other.get('/login')
  other.cookies.set('countersign-session-4120', one.cookies.get('countersign-session-4120') ?? '')
  expect(await (await other.get('/logout')).text()).toContain('You are signed out')
})

test('a session ends after an hour without use, and after half a day anyway', async () => {
  const { open, clock } = await place()
  const one = open()
  await signInAs(one, 'ada')
  const isSignedIn = async (): Promise<boolean> => (await (await one.get('/logout')).text()).includes('Ada')
  clock.now += 3599
  expect(await isSignedIn()).toBe(true)
  clock.now += 3599
  expect(await isSignedIn()).toBe(true)
  clock.now += 3600
  expect(await isSignedIn()).toBe(false)

  await signInAs(one, 'ada')
  const begin = clock.now
  for (; clock.now < begin + 12 * 3600 - 1800; clock.now += 1800) expect(await isSignedIn()).toBe(true)
  clock.now = begin + 12 * 3600
  expect(await isSignedIn()).toBe(false)
})

test('signing out ends the session, its cookie, and the browser’s id', async () => {
  const { open, events } = await place()
  const one = open()
  await signInAs(one, 'ada')
  const kept = new Map(one.cookies)
  const csrf = await one.csrf('/logout')
  expect((await one.get('/logout')).status).toBe(200)
  expect((await one.post('/logout', { csrf })).status).toBe(200)
  expect(one.cookies.size).toBe(0)
  const thief = open()
  for (const [name, value] of kept) thief.cookies.set(name, value)
  expect(await (await thief.get('/logout')).text()).toContain('You are signed out')
  expect(events.map(event => event.type)).toEqual(['signed_in', 'signed_out'])
})

test('"not you?" signs out, keeps the browser’s id, and asks the user to sign in', async () => {
  const { open } = await place()
  const one = open()
  await signInAs(one, 'ada')
  const name = one.cookies.get('countersign-browser-4120')
  const csrf = await one.csrf('/logout')
  const answer = await one.post('/logout', { csrf, return_to: '/agent/authorize?request_token=r' })
  expect([answer.status, answer.headers.get('location')]).toEqual([
    303,
    '/login?return_to=%2Fagent%2Fauthorize%3Frequest_token%3Dr&switch=1',
  ])
  expect(one.cookies.get('countersign-browser-4120')).toBe(name)
  expect(one.cookies.has('countersign-session-4120')).toBe(false)
})

test(
  verifies('UIX-05', 'consent.browser', 'a form from elsewhere, or without this session’s token, is refused'),
  async () => {
    const { open, events } = await place()
    const one = open()
    const csrf = await one.csrf('/login')
    const foreign = await open().csrf('/login')
    const ada = { subject: 'ada', return_to: '/logout' }
    const own = { origin: development }
    const refused = [
      await one.post('/login/demo', ada),
      await one.post('/login/demo', { ...ada, csrf: foreign }),
      await one.post('/login/demo', { ...ada, csrf: `${csrf}A` }),
      await one.post('/login/demo', { ...ada, csrf }, {}),
      await one.post('/login/demo', { ...ada, csrf }, { origin: 'null' }),
      await one.post('/login/demo', { ...ada, csrf }, { origin: 'https://evil.example' }),
      await one.post(
        '/login/demo',
        { ...ada, csrf },
        { origin: 'http://localhost:4121', 'sec-fetch-site': 'same-site' },
      ),
      await one.post('/login/demo', { ...ada, csrf }, { ...own, 'sec-fetch-site': 'cross-site' }),
      await one.post('/login/demo', { ...ada, csrf }, { origin: 'null', 'sec-fetch-site': 'none' }),
    ]
    expect(refused.map(({ status }) => status)).toEqual(refused.map(() => 403))
    const json = { ...own, 'content-type': 'application/json' }
    expect((await one.post('/login/demo', { ...ada, csrf }, json)).status).toBe(415)
    expect(new Set(events.map(event => event.type))).toEqual(new Set(['sign_in_failed']))
    expect(events).toHaveLength(refused.length + 1)
    expect((await one.post('/login/demo', { ...ada, csrf }, own)).status).toBe(303)
  },
)

test('no link leads from a sign-in to another origin', async () => {
  const { open } = await place()
  const one = open()
  const csrf = await one.csrf('/login')
  const elsewhere = [
    'https://evil.example/',
    '//evil.example/',
    '/\\evil.example/',
    'evil.example',
    '/a\r\nset-cookie: a=b',
    '/ä',
    '/#a',
    'javascript:alert(1)',
    `/${'a'.repeat(1024)}`,
  ]
  for (const returnTo of elsewhere) {
    const opened = await one.get(`/login?${new URLSearchParams({ return_to: returnTo })}`)
    const posted = await one.post('/login/demo', { csrf, subject: 'ada', return_to: returnTo })
    expect([opened.status, posted.status, posted.headers.get('location')], returnTo).toEqual([400, 400, null])
  }
  const posted = await one.post('/login/demo', { csrf, subject: 'ada', return_to: `/${'a'.repeat(1023)}` })
  expect(posted.status).toBe(303)
})

test(
  verifies('UIX-07', 'UIX-24', 'UIX-25', 'consent.browser', 'every answer forbids frames, scripts, caches, referrers'),
  async () => {
    const { open } = await place()
    const one = open()
    const answers = [
      await one.get('/login'),
      await one.get('/logout'),
      await one.get('/login?return_to=//evil.example'),
      await one.post('/login/demo', {}),
      await signInAs(one, 'ada'),
      await one.get('/logout'),
    ]
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 400, 403, 303, 200])
    for (const { headers, status } of answers) {
      expect(headers.get('x-frame-options')).toBe('DENY')
      expect(headers.get('referrer-policy')).toBe('no-referrer')
      expect(headers.get('cache-control')).toBe('no-store')
      expect(headers.get('x-content-type-options')).toBe('nosniff')
      if (status === 303) continue
      const policy = headers.get('content-security-policy') ?? ''
      expect(policy).toMatch(
        /^default-src 'none'; style-src 'sha256-[A-Za-z0-9+/]{43}='; img-src data:; form-action 'self'[^;]*; frame-ancestors 'none'; base-uri 'none'$/,
      )
    }
  },
)

test(verifies('UIX-29', 'unknown parameters of a page change nothing'), async () => {
  const { open } = await place()
  const page = async (target: string): Promise<string> =>
    (await (await open().get(target)).text()).replaceAll(/value="[^"]{43}"/g, 'value="…"')
  expect(await page('/login?locale=../../etc/passwd&theme=..%2f..%2fadmin&ui_locales=x')).toBe(await page('/login'))
})

test('demo users outside development, two providers of one id, and an empty list are refused', async () => {
  const provider = { id: 'corp', name: 'Corp', begin: async () => never(), finish: async () => never() }
  const make = (login: NonNullable<Parameters<typeof world>[0]>['login'], isDevelopment: boolean) =>
    world({ issuer: 'https://auth.example', development: isDevelopment, ...(login === undefined ? {} : { login }) })
  await expect(make([demoUsers(users)], false)).rejects.toThrow(
    new TypeError('demoUsers sign in without a password: development only'),
  )
  await expect(make([], true)).rejects.toThrow(TypeError)
  await expect(make([provider, provider], false)).rejects.toThrow(TypeError)
  await expect(make([{ ...provider, id: '../x' }], false)).rejects.toThrow(TypeError)
  await expect(make([provider, demoUsers(users)], true)).resolves.toBeDefined()
  await expect(make([provider], false)).resolves.toBeDefined()
  expect(() => demoUsers([])).toThrow(TypeError)
  expect(() => demoUsers([{ name: 'A' }, { name: 'A' }])).toThrow(TypeError)
})

function never(): never {
  throw new Error('not called')
}
