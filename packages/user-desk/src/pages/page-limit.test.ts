import { verifies } from '@countersign/requirements'
import { askUser, browserOf, consentWorld, linkOf, requestTokenOf } from '@countersign/testing/auth/consent'
import { delegate, type World } from '@countersign/testing/auth/world'
import { expect, test } from 'vitest'
import { createPageLimit } from './page-limit.js'

const get = ({ auth }: World, target: string, peer?: string): Promise<Response> =>
  auth.handle({
    method: 'GET',
    target,
    headers: [['host', 'auth.example']],
    ...(peer === undefined ? {} : { peer }),
  })

test(
  verifies('DOS-16', 'a flood of page requests is refused, and affects neither agents nor other networks'),
  async () => {
    const made = await consentWorld({ pagesPerMinute: 10 })
    // From the very network of the flood: fixtures sign from 192.0.2.7.
    const phone = await delegate(made, 'phone')
    const link = linkOf(await requestTokenOf(await askUser(made, phone)))
    for (let count = 0; count < 9; count++) expect((await get(made, '/login', '192.0.2.7')).status).toBe(200)
    expect((await get(made, link, '192.0.2.7')).status).toBe(303)
    made.events.length = 0
    made.clock.now += 20
    for (const target of [link, '/login', '/login/demo', '/device', '/logout', '/agent/consent?request_token=x']) {
      const response = await get(made, target, '192.0.2.7')
      expect([target, response.status, response.headers.get('retry-after')]).toEqual([target, 429, '40'])
      expect(response.headers.get('content-type')).toBe('text/html; charset=utf-8')
      expect(await response.text()).toContain('Wait a minute')
    }
    expect(made.events).toHaveLength(6)
    expect(made.events[0]).toMatchObject({ type: 'refused', code: 'rate_limited', status: 429, peer: '192.0.2.7' })

    await requestTokenOf(await askUser(made, phone))
    expect((await get(made, '/.well-known/jwks.json', '192.0.2.7')).status).toBe(200)
    expect((await get(made, '/login', '192.0.2.8')).status).toBe(200)
    expect((await get(made, '/login')).status).toBe(200)
    made.clock.now += 40
    expect((await get(made, '/login', '192.0.2.7')).status).toBe(200)
  },
)

test(
  verifies('DOS-26', 'a flood from the network of a user who is signed in does not keep that user out'),
  async () => {
    const made = await consentWorld({ pagesPerMinute: 10 })
    const [ada, grace] = [await browserOf(made, 'ada'), await browserOf(made, 'grace')]
    const flood = async (): Promise<number> => {
      for (let count = 0; count < 20; count++) await get(made, '/login', '192.0.2.9')
      return (await get(made, '/login', '192.0.2.9')).status
    }
    // A browser that has a session, one whose session this server did not give, and one that took the cookie without its browser's.
    expect(await flood()).toBe(429)
    expect((await ada.get('/account')).status).toBe(200)
    const withCookies = (cookies: ReadonlyArray<readonly [string, string]>) =>
      made.auth.handle({
        method: 'GET',
        target: '/account',
        peer: '192.0.2.9',
        headers: [
          ['host', 'auth.example'],
          ['cookie', cookies.map(([name, value]) => `${name}=${value}`).join('; ')],
        ],
      })
    const own = [...ada.cookies]
    expect(new Set(own.map(([name]) => name))).toEqual(
      new Set(['__Host-countersign-browser', '__Host-countersign-session']),
    )
    const forged = own.map(([name]) => [name, 'A'.repeat(43)] as const)
    expect((await withCookies(forged)).status).toBe(429)
    const stolen = own.map(([name, value]) => [name, name.endsWith('session') ? value : 'A'.repeat(43)] as const)
    expect((await withCookies(stolen)).status).toBe(429)
    expect((await withCookies(own)).status).toBe(200)
    // The user's own share has an end, and is no other user's.
    for (let count = 2; count < 10; count++) expect((await ada.get('/account')).status).toBe(200)
    expect((await ada.get('/account')).status).toBe(429)
    expect((await grace.get('/account')).status).toBe(200)
    // Who has signed out is one of many again.
    made.clock.now += 60
    await ada.post('/logout', { csrf: await ada.csrf('/logout') })
    expect(await flood()).toBe(429)
    expect((await withCookies(own)).status).toBe(429)
  },
)

test(verifies('DOS-16', 'an IPv6 host that changes addresses within its network is one network'), async () => {
  const made = await consentWorld({ pagesPerMinute: 5 })
  const statuses = []
  for (let host = 0; host < 7; host++) statuses.push((await get(made, '/login', `2001:db8::${host}`)).status)
  expect(statuses).toEqual([200, 200, 200, 200, 200, 429, 429])
  expect((await get(made, '/login', '2001:db8:0:1::1')).status).toBe(200)
})

test('the limit can be set, and must be a number', async () => {
  const made = await consentWorld({ pagesPerMinute: Number.POSITIVE_INFINITY })
  for (let count = 0; count < 400; count++) expect((await get(made, '/logout', '192.0.2.7')).status).toBe(200)
  for (const pagesPerMinute of [0, Number.NaN, -1])
    await expect(consentWorld({ pagesPerMinute })).rejects.toThrow(RangeError)
  const byDefault = await consentWorld()
  for (let count = 0; count < 300; count++) expect((await get(byDefault, '/logout', '192.0.2.7')).status).toBe(200)
  expect((await get(byDefault, '/logout', '192.0.2.7')).status).toBe(429)
  expect((await askUser(byDefault, await delegate(byDefault, 'phone'))).status).toBe(200)
})

test(verifies('DOS-16', 'all networks of a /48 or /24 together have ten times the limit of one'), () => {
  const limit = createPageLimit(2, () => 1_800_000_000)
  const passes = (peer: string): boolean => {
    try {
      limit.take(peer)
      return true
    } catch {
      return false
    }
  }
  const of = (from: (n: number) => string): number =>
    Array.from({ length: 60 }, (_, n) => passes(from(n))).filter(Boolean).length
  expect(of(n => `2001:db8:1:${n.toString(16)}::1`)).toBe(20)
  expect(of(n => `198.51.100.${n}`)).toBe(20)
  expect([passes('2001:db8:2::1'), passes('198.51.101.1')]).toEqual([true, true])
  // One network has its own share, and no more.
  expect(of(() => '203.0.113.7')).toBe(2)
})
