import { countsIn, migrations, room, type Tables } from '@countersign/auth-server/internal'
import { verifies } from '@countersign/requirements'
import { openStore } from '@countersign/store'
import { type Browser, browser, signInAs } from '@countersign/testing/auth/browser'
import { consentWorld } from '@countersign/testing/auth/consent'
import { codes, type } from '@countersign/testing/auth/device'
import { delegate, post, resourceToken, type Signer, type World } from '@countersign/testing/auth/world'
import { expect, test } from 'vitest'
import { demoUsers } from '../login/login-method.js'
import { createGuesses } from './guesses.js'

const deviceFlow = ['https://agent.example']
const proxy = '10.0.0.1'
const publicProxy = '198.51.100.1'

/** The world as callers reach it through a proxy, `peer`, that appends their address to `X-Forwarded-For`. */
function through(made: World, address: string, peer = proxy): World {
  const auth: World['auth'] = {
    ...made.auth,
    handle: message =>
      made.auth.handle({ ...message, peer, headers: [...message.headers, ['X-Forwarded-For', address]] }),
  }
  return { ...made, auth }
}

async function signedIn(made: World, user: 'ada' | 'grace'): Promise<Browser> {
  const one = browser(made.auth, 'https://auth.example')
  await signInAs(one, user)
  return one
}

/** How many wrong codes one user types until the page makes them wait. */
async function missUntilWait(one: Browser): Promise<number> {
  for (let misses = 0; misses < 10; misses++) {
    if ((await type(one, 'BBBB-BBBB')).status === 429) return misses
  }
  return Number.POSITIVE_INFINITY
}

test(
  verifies(
    'consent.device-guesses',
    'RAT-02',
    'behind a proxy, wrong codes of one user make only that user wait, and the page shows where the device asked from',
  ),
  async () => {
    const made = await consentWorld({ deviceFlow, trustedProxies: 1 })
    const tv = await delegate(made, 'tv')
    const { user_code } = await codes(through(made, '198.51.100.7'), tv)
    expect(await missUntilWait(await signedIn(through(made, '203.0.113.1'), 'grace'))).toBe(5)
    const page = await type(await signedIn(through(made, '203.0.113.2'), 'ada'), user_code)
    expect(page.status).toBe(200)
    const text = await page.text()
    expect(text).toContain('198.51.100.7')
    expect(text).not.toContain(proxy)
  },
)

test(verifies('RAT-02', 'without trusted proxies no header changes a caller’s network'), async () => {
  for (const peer of [publicProxy, proxy]) {
    const made = await consentWorld({ deviceFlow, pagesPerMinute: 3 })
    const statuses = []
    for (const address of ['203.0.113.1', '203.0.113.2', '203.0.113.3', '203.0.113.4']) {
      statuses.push((await browser(through(made, address, peer).auth, 'https://auth.example').get('/device')).status)
    }
    expect(statuses, peer).toEqual([200, 200, 200, 429])
  }
  const behind = await consentWorld({ deviceFlow, pagesPerMinute: 3, trustedProxies: ['10.0.0.0/8'] })
  for (const address of ['203.0.113.1', '203.0.113.2', '203.0.113.3', '203.0.113.4']) {
    expect((await browser(through(behind, address).auth, 'https://auth.example').get('/device')).status).toBe(200)
  }
})

test.each([
  { name: 'of a private address, which may be a proxy', peer: proxy, status: 200 },
  { name: 'of a public address', peer: publicProxy, status: 429 },
  { name: 'of a private address where no proxy is said to be', peer: proxy, trustedProxies: 0, status: 429 },
])(
  verifies(
    'consent.device-guesses',
    'RAT-02',
    '20 wrong codes $name, of four users: a right one of a fifth is $status',
  ),
  async ({ peer, status, trustedProxies }) => {
    const users = Array.from({ length: 5 }, (_, n) => ({ name: `User ${n}`, subject: `u${n}` }))
    const made = await consentWorld({
      deviceFlow,
      login: [demoUsers(users)],
      ...(trustedProxies === undefined ? {} : { trustedProxies }),
    })
    const { user_code } = await codes(made, await delegate(made, 'tv'))
    const as = async (n: number): Promise<Browser> => {
      const one = browser(through(made, `203.0.113.${n}`, peer).auth, 'https://auth.example')
      await signInAs(one, `u${n}`)
      return one
    }
    // A session and a user stay counted, whatever their network.
    expect(await missUntilWait(await as(0))).toBe(5)
    for (const n of [1, 2, 3]) {
      const one = await as(n)
      for (let misses = 0; misses < 5; misses++) expect((await type(one, 'BBBB-BBBB')).status).toBe(400)
    }
    expect((await type(await as(4), user_code)).status).toBe(status)
  },
)

test(verifies('consent.device-guesses', 'wrong codes of all private addresses together are limited, too'), async () => {
  const store = await openStore<Tables>({ url: 'sqlite::memory:', room, migrations })
  const guesses = createGuesses(
    countsIn(store, () => 1_800_000_000),
    { privatePeers: false },
  )
  const take = (n: number, peer: string) => guesses.take({ session: `session ${n}`, user: `user ${n}`, peer })
  const peers = ['10.0.0.1', '10.0.0.2', '::ffff:192.168.1.1', 'fd00::1', '127.0.0.1']
  for (let user = 0; user < 200; user++) for (const peer of peers) await take(user, peer)
  for (const peer of peers) await expect(take(200, peer)).rejects.toMatchObject({ code: 'rate_limited' })
  await take(200, '192.0.2.1')
  await store.close()
})

test(verifies('RAT-02', 'events name the caller behind a trusted proxy; a wrong option is refused'), async () => {
  const made = await consentWorld({ trustedProxies: 1 })
  const signer: Signer = await delegate(made, 'tv')
  const form = { request_type: 'auth', resource_token: await resourceToken(made, signer) }
  const message = await post(made, signer, form)
  expect((await through(made, '198.51.100.7').auth.handle(message)).status).toBe(400)
  expect(made.events.at(-1)).toMatchObject({ type: 'refused', peer: '198.51.100.7' })
  await expect(consentWorld({ trustedProxies: ['proxy.example'] })).rejects.toThrow(TypeError)
})
