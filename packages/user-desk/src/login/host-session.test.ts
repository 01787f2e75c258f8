import type { UpstreamAccount } from '@countersign/auth-server'
import { type Browser, browser } from '@countersign/testing/auth/browser'
import { world } from '@countersign/testing/auth/world'
import { expect, test } from 'vitest'
import { type HostSessionOptions, hostSession } from './host-session.js'

const issuer = 'https://auth.example'
const verifiedAt = 1_767_225_590

const accounts: Readonly<Record<string, Omit<UpstreamAccount, 'issuer'>>> = {
  ada: { subject: '17', claims: { name: 'Ada Lovelace' }, verifiedAt },
  grace: { subject: '18', claims: { name: 'Grace Hopper' } },
  nobody: { subject: '', claims: {} },
}

const options: HostSessionOptions = {
  name: 'Example',
  issuer,
  async account({ headers }) {
    const cookies = headers.filter(([name]) => name === 'cookie').map(([, value]) => value)
    return accounts[/(?:^|; )app=([a-z]+)/.exec(cookies.join('; '))?.[1] ?? ''] ?? null
  },
  signInUrl: ({ returnTo, ...asked }) =>
    `${issuer}/sign-in?${new URLSearchParams({ return_to: returnTo, ...JSON.parse(JSON.stringify(asked, (_, value) => (value === true ? 'yes' : value))) })}`,
  signOut: async () => ['app=; Max-Age=0; Path=/'],
}

async function place(o: Partial<HostSessionOptions> = {}) {
  const made = await world({ login: [hostSession({ ...options, ...o })] })
  return { ...made, open: () => browser(made.auth, issuer) }
}

const locationOf = (response: Response): string => response.headers.get('location') ?? ''

/** Follows redirects within the auth server; the last answer. */
async function follow(one: Browser, target: string): Promise<Response> {
  let answer = await one.get(target)
  for (let hops = 0; hops < 5 && answer.status === 303; hops++) {
    const url = new URL(locationOf(answer), issuer)
    if (url.pathname === '/sign-in') return answer
    answer = await one.get(url.pathname + url.search)
  }
  return answer
}

test('a user who is signed in to the application is signed in without a page in between', async () => {
  const { open, events } = await place()
  const one = open()
  one.cookies.set('app', 'ada')
  expect(await (await follow(one, '/login?return_to=/logout')).text()).toContain('Ada Lovelace')
  expect(events).toEqual([{ type: 'signed_in', sub: expect.any(String), provider: 'host', peer: '192.0.2.9' }])
})

test('a user who is not signed in goes to the page of the application, and comes back', async () => {
  const { open } = await place()
  const one = open()
  const sent = new URL(locationOf(await one.get('/login?return_to=/logout')))
  expect(sent.origin + sent.pathname).toBe(`${issuer}/sign-in`)
  const back = new URL(sent.searchParams.get('return_to') ?? '')
  expect(back.origin + back.pathname).toBe(`${issuer}/login/callback/host`)
  // They come back without having signed in: nobody is.
  const refused = await one.get(back.pathname + back.search)
  expect([refused.status, await refused.text()]).toEqual([403, expect.stringContaining('not signed in at the website')])
  const again = new URL(locationOf(await one.get('/login?return_to=/logout')))
  one.cookies.set('app', 'grace')
  const callback = new URL(again.searchParams.get('return_to') ?? '')
  expect(await (await follow(one, callback.pathname + callback.search)).text()).toContain('Grace Hopper')
})

test('a callback that another browser began signs nobody in', async () => {
  const { open, events } = await place()
  const attacker = open()
  attacker.cookies.set('app', 'grace')
  const begun = new URL(locationOf(await attacker.get('/login?return_to=/logout')))
  const victim = open()
  victim.cookies.set('app', 'ada')
  expect((await victim.get(begun.pathname + begun.search)).status).toBe(403)
  expect(events.filter(({ type }) => type === 'signed_in')).toEqual([])
  expect((await attacker.get(begun.pathname + begun.search)).status).toBe(303)
})

test('a user who signs out of the application is signed out here with the next request', async () => {
  const { open } = await place()
  const one = open()
  one.cookies.set('app', 'ada')
  await follow(one, '/login?return_to=/logout')
  expect(await (await one.get('/logout')).text()).toContain('Ada Lovelace')
  one.cookies.delete('app')
  expect(await (await one.get('/logout')).text()).not.toContain('Ada Lovelace')
  // The session has ended: signing in to the application again does not bring it back.
  one.cookies.set('app', 'ada')
  expect(await (await one.get('/logout')).text()).not.toContain('Ada Lovelace')
})

test('another user of the application in the same browser never acts as the first one', async () => {
  const { open } = await place()
  const one = open()
  one.cookies.set('app', 'ada')
  await follow(one, '/login?return_to=/logout')
  one.cookies.set('app', 'grace')
  expect(await (await one.get('/logout')).text()).not.toContain('Ada Lovelace')
  expect(await (await follow(one, '/login?return_to=/logout')).text()).toContain('Grace Hopper')
})

test('signing out here signs out of the application, too, where it says how', async () => {
  const { open } = await place()
  const one = open()
  one.cookies.set('app', 'ada')
  await follow(one, '/login?return_to=/logout')
  await one.post('/logout', { csrf: await one.csrf('/logout') })
  expect(one.set).toContain('app=; Max-Age=0; Path=/')

  const { signOut: _, ...without } = options
  const made = await world({ login: [hostSession(without)] })
  const other = browser(made.auth, issuer)
  other.cookies.set('app', 'ada')
  await follow(other, '/login?return_to=/logout')
  await other.post('/logout', { csrf: await other.csrf('/logout') })
  expect(other.set.filter(line => line.startsWith('app='))).toEqual([])
  expect(await (await other.get('/logout')).text()).not.toContain('Ada Lovelace')
})

test('a fresh verification is the one of the application, and asks its sign-in page for it', async () => {
  const { open } = await place()
  const one = open()
  one.cookies.set('app', 'ada')
  await follow(one, '/login?return_to=/logout')
  const asked = new URL(locationOf(await one.get('/login/start/host?return_to=/account&again=1')), issuer)
  expect([asked.pathname, asked.searchParams.get('reauthenticate')]).toEqual(['/sign-in', 'yes'])
})

test('an account without a subject signs nobody in', async () => {
  const { open, events } = await place()
  const one = open()
  one.cookies.set('app', 'nobody')
  expect((await one.get('/login?return_to=/logout')).status).toBe(500)
  expect(events.filter(({ type }) => type === 'signed_in')).toEqual([])
})

test('an option that is missing or misspelt is an error', () => {
  expect(() => hostSession({ ...options, signin: () => '' } as HostSessionOptions)).toThrow(/signin/)
  const { account: _, ...missing } = options
  expect(() => hostSession(missing as HostSessionOptions)).toThrow(/account/)
  expect(() => hostSession({ ...options, issuer: '' })).toThrow('issuer of hostSession must not be empty')
})
