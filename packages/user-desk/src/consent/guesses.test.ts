import { verifies } from '@countersign/requirements'
import { type Browser, browser, signInAs } from '@countersign/testing/auth/browser'
import { browserOf, consentWorld, secondInstance } from '@countersign/testing/auth/consent'
import { codes, type } from '@countersign/testing/auth/device'
import { delegate, type World } from '@countersign/testing/auth/world'
import { slowDatabasesForTests } from '@countersign/testing/databases'
import { expect, test } from 'vitest'
import { demoUsers } from '../login/login-method.js'

const databases = await slowDatabasesForTests(3)

/** The browser of one instance at another. */
function at(made: World, one: Browser): Browser {
  const there = browser(made.auth, 'https://auth.example')
  for (const [name, value] of one.cookies) there.cookies.set(name, value)
  return there
}

for (const { name, away, url } of databases) {
  test.skipIf(away !== '')(
    verifies(
      'consent.device-guesses',
      `on ${name}: of 200 wrong codes at once, at two instances, five are looked up${away}`,
    ),
    { timeout: 60_000 },
    async () => {
      const database = url()
      const options = { deviceFlow: ['https://agent.example'], pagesPerMinute: 1000 }
      const made = await consentWorld({ ...options, database })
      const other = await secondInstance(made, database, options)
      const { user_code } = await codes(made, await delegate(made, 'tv'))
      const ada = await browserOf(made, 'ada')
      const grace = await browserOf(made, 'grace')
      const csrf = await ada.csrf('/device')
      const instances = [ada, at(other, ada)]
      const burst = Array.from({ length: 200 }, (_, n) =>
        (instances[n % 2] ?? ada).post('/device', { csrf, user_code: 'BBBB-BBBB' }),
      )
      const statuses = (await Promise.all(burst)).map(({ status }) => status)
      expect(statuses.filter(status => status === 400)).toHaveLength(5)
      expect(statuses.filter(status => status === 429)).toHaveLength(195)
      // A restart forgets no count: it is in the database.
      const third = await secondInstance(made, database, options)
      expect((await type(at(third, ada), user_code)).status).toBe(429)
      // The twin: another user of the same network, who is not stopped by it.
      expect((await type(grace, user_code)).status).toBe(200)
      for (const { auth } of [made, other, third]) await auth.close()
    },
  )
}

test(
  verifies('consent.device-guesses', 'a right code does not count as wrong, and its browser finds it again'),
  async () => {
    const made = await consentWorld({ deviceFlow: ['https://agent.example'] })
    const tv = await delegate(made, 'tv')
    const codeOf = async (): Promise<string> => (await codes(made, tv)).user_code
    const [found, ada] = [await codeOf(), await browserOf(made, 'ada')]
    for (let turn = 0; turn < 4; turn++) expect((await type(ada, 'BBBB-BBBB')).status).toBe(400)
    expect((await type(ada, found)).status).toBe(200)
    for (let turn = 0; turn < 8; turn++) expect((await type(ada, await codeOf())).status).toBe(200)
    expect((await type(ada, 'BBBB-BBBB')).status).toBe(400)
    expect((await type(ada, await codeOf())).status).toBe(429)
    // Its decision is still to come.
    expect((await type(ada, found)).status).toBe(200)
  },
)

test.each([
  { network: '/64', misses: 20, from: (n: number) => `2001:db8:1:1::${n + 1}`, other: '2001:db8:1:2::1' },
  { network: '/48', misses: 100, from: (n: number) => `2001:db8:1:${n}::1`, other: '2001:db8:2::1' },
  { network: '/24', misses: 100, from: (n: number) => `198.51.100.${n}`, other: '198.51.101.1' },
])(
  verifies('consent.device-guesses', '$misses wrong codes of one $network are too many, of as many users'),
  async ({ misses, from, other }) => {
    const users = Array.from({ length: misses + 2 }, (_, n) => ({ name: `User ${n}`, subject: `u${n}` }))
    const made = await consentWorld({ deviceFlow: ['https://agent.example'], login: [demoUsers(users)] })
    const { user_code } = await codes(made, await delegate(made, 'tv'))
    /** A code typed by a user of their own each time, since a session and a user have counts of their own. */
    const typed = async (n: number, peer: string, code: string): Promise<number> => {
      const handle: World['auth']['handle'] = message => made.auth.handle({ ...message, peer })
      const one = browser({ handle }, 'https://auth.example')
      await signInAs(one, `u${n}`)
      return (await type(one, code)).status
    }
    for (let n = 0; n < misses; n++) expect(await typed(n, from(n), 'BBBB-BBBB')).toBe(400)
    expect(await typed(misses, from(misses), user_code)).toBe(429)
    expect(await typed(misses + 1, other, user_code)).toBe(200)
  },
)
