import { verifies } from '@countersign/requirements'
import { type Browser, browser, signInAs } from '@countersign/testing/auth/browser'
import { type World, world } from '@countersign/testing/auth/world'
import { databasesForTests } from '@countersign/testing/databases'
import { expect, test } from 'vitest'
import { demoUsers, type LoginProvider } from './login-method.js'

const databases = await databasesForTests(3)
const issuer = 'http://localhost:4120'

/** An upstream whose users are who the code says. */
const corp: LoginProvider = {
  id: 'corp',
  name: 'Corp',
  begin: async ({ state }) => ({ url: `https://corp.example/?state=${state}`, saved: { secret: state } }),
  finish: async ({ url, saved, state }) => {
    if (saved['secret'] !== state) throw new Error('saved for another sign-in')
    return { issuer: 'https://corp.example', subject: new URL(url).searchParams.get('code') ?? '', claims: {} }
  },
}

function start(database: string): Promise<World> {
  const users = demoUsers([
    { name: 'Ada', subject: 'ada' },
    { name: 'Grace', subject: 'grace' },
  ])
  return world({ issuer, development: true, database, login: [corp, users] })
}

/** The same browser, at another process. */
function moved(one: Browser, { auth }: World): Browser {
  const other = browser(auth, issuer)
  for (const [name, value] of one.cookies) other.cookies.set(name, value)
  return other
}

const whoIs = async (one: Browser): Promise<string> =>
  /Ada|Grace|signed out/.exec(await (await one.get('/logout')).text())?.[0] ?? ''

for (const { name, away, url } of databases) {
  test.skipIf(away !== '')(
    verifies(
      'F-03',
      'F-57',
      'consent.browser',
      `on ${name}: a restart keeps all sessions, and a sign-in under way goes on${away}`,
    ),
    async () => {
      const database = url()
      const first = await start(database)
      const [ada, grace, guest, away] = Array.from({ length: 4 }, () => browser(first.auth, issuer))
      if (ada === undefined || grace === undefined || guest === undefined || away === undefined) throw new Error()
      await signInAs(ada, 'ada')
      await signInAs(grace, 'grace')
      const csrf = await guest.csrf('/login')
      const sent = await away.get('/login/start/corp?return_to=/a')
      await first.auth.close()

      const second = await start(database)
      expect(await whoIs(moved(ada, second))).toBe('Ada')
      expect(await whoIs(moved(grace, second))).toBe('Grace')
      expect(await whoIs(moved(guest, second))).toBe('signed out')
      // A page that was open stays good, for the browser that had it.
      const chosen = { csrf, subject: 'grace', return_to: '/a' }
      expect((await moved(ada, second).post('/login/demo', chosen)).status).toBe(403)
      const back = moved(guest, second)
      expect((await back.post('/login/demo', chosen)).status).toBe(303)
      expect(await whoIs(back)).toBe('Grace')
      const state = new URL(sent.headers.get('location') ?? '').searchParams.get('state')
      const answer = `/login/callback/corp?code=kurt&state=${state}`
      expect((await moved(ada, second).get(answer)).status).toBe(403)
      expect((await moved(away, second).get(answer)).headers.get('location')).toBe('/a')
      await second.auth.close()
    },
  )

  test.skipIf(away !== '')(
    `on ${name}: one account is one user, however many sign in as it at once${away}`,
    async () => {
      const made = await start(url())
      const browsers = Array.from({ length: 20 }, () => browser(made.auth, issuer))
      const answers = await Promise.all(browsers.map(one => signInAs(one, 'ada')))
      expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([303]))
      const subs = made.events.map(event => (event.type === 'signed_in' ? event.sub : ''))
      expect([subs.length, new Set(subs).size]).toEqual([20, 1])
      await made.auth.close()
    },
  )

  test.skipIf(away !== '')(
    `on ${name}: the twenty-first browser of a user signs out the one unused longest${away}`,
    async () => {
      const made = await start(url())
      const browsers = Array.from({ length: 21 }, () => browser(made.auth, issuer))
      const other = browser(made.auth, issuer)
      await signInAs(other, 'grace')
      for (const one of browsers) {
        made.clock.now += 1
        await signInAs(one, 'ada')
      }
      const signedIn = await Promise.all(browsers.map(whoIs))
      expect(signedIn).toEqual(['signed out', ...Array<string>(20).fill('Ada')])
      expect(await whoIs(other)).toBe('Grace')
      await made.auth.close()
    },
  )
}
