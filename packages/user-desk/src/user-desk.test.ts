import { createAuthServer } from '@countersign/auth-server'
import { deskOf, setupOf, type UserDesk } from '@countersign/auth-server/internal'
import { createDiscovery } from '@countersign/discovery'
import { generateSigningKey } from '@countersign/httpsig'
import { browser, signInAs } from '@countersign/testing/auth/browser'
import { world } from '@countersign/testing/auth/world'
import { makeWeb } from '@countersign/testing/world/web'
import { expect, onTestFinished, test } from 'vitest'
import { demoUsers } from './login/login-method.js'
import { userDesk } from './user-desk.js'

/** An auth server with a desk, and the desk as its server sees it. */
async function opened() {
  const setup = setupOf(userDesk({ login: [demoUsers([{ name: 'Ada', subject: 'ada' }])] }))
  const desks: UserDesk[] = []
  const auth = await createAuthServer({
    issuer: 'https://auth.example',
    keys: [{ kid: 'a1', key: await generateSigningKey() }],
    database: 'sqlite::memory:',
    development: true,
    discovery: createDiscovery({ fetcher: makeWeb().fetcher }),
    desk: deskOf({
      check: setup.check,
      open(server) {
        const desk = setup.open(server)
        desks.push(desk)
        return desk
      },
    }),
  })
  onTestFinished(() => auth.close())
  const [desk] = desks
  if (desk === undefined) throw new Error('the server opens its desk')
  return { auth, desk }
}

test('a desk tells who is signed in, and signs in who is not', async () => {
  const { auth, desk } = await opened()
  const one = browser(auth, 'https://auth.example')
  const asked = () => {
    const cookie = [...one.cookies].map(([name, value]) => `${name}=${value}`).join('; ')
    return {
      method: 'GET',
      target: '/elsewhere',
      headers: [
        ['host', 'auth.example'],
        ['cookie', cookie],
      ],
    } as const
  }
  expect(await desk.session(asked())).toBeUndefined()
  const page = await desk.signIn(asked(), '/elsewhere')
  expect([page.status, await page.text()]).toEqual([200, expect.stringContaining('value="/elsewhere"')])
  await expect(desk.signIn(asked(), 'https://evil.example/')).rejects.toThrow(TypeError)
  await signInAs(one, 'ada')
  const user = await desk.session(asked())
  expect(user?.sub).toMatch(/^[A-Za-z0-9_-]{22}$/)
  expect(user?.sub).toBe(JSON.parse(await (await one.get('/account/export')).text()).sub)
})

test('an auth server without a desk has no page, session or cookie', async () => {
  const { auth } = await opened()
  const without = (await (await world()).reopen()) as typeof auth
  const own = ['/.well-known/aauth-issuer', '/.well-known/aauth-agent', '/.well-known/jwks.json']
  expect(without.paths).toEqual([...own, '/agent/token', '/agent/revoke'])
  const pages = auth.paths.filter(path => !without.paths.includes(path))
  expect(pages.length).toBeGreaterThan(20)
  for (const target of pages) {
    const response = await without.handle({ method: 'GET', target, headers: [['host', 'auth.example']] })
    expect([target, response.status, response.headers.get('set-cookie')]).toEqual([target, 404, null])
  }
})
