import { request } from 'node:http'
import { verifies } from '@countersign/requirements'
import { describe, expect, test } from 'vitest'
import { agentIn } from '../agents.test.fixture.js'
import { explain } from '../explanation.js'
import { calendar } from '../participants.test.fixture.js'
import { type Decide, forEver, formsOf, worldOfUsers } from '../users.test.fixture.js'
import { loopback } from './loopback.js'

const events = `${calendar}/events`

/** A call whose user was sent to a URL, and that waits. */
async function waiting(): Promise<{
  call: Promise<Response>
  url: string
  redirect: URL
  decide: Decide
  users: Awaited<ReturnType<typeof worldOfUsers>>['users']
}> {
  const { own, users, decide } = await worldOfUsers()
  const opened: string[] = []
  const agent = agentIn(own, { sleep: forEver, interact: loopback({ open: url => void opened.push(url) }) })
  const call = agent.fetch(events)
  await expect.poll(() => opened.length).toBe(1)
  const [url = ''] = opened
  return { call, url, redirect: new URL(new URL(url).searchParams.get('redirect_uri') ?? ''), decide, users }
}

/** Status and body of what a page under another name gets. */
function fromHost(url: URL, host: string): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    request(url, { headers: { host } }, response => {
      response.resume()
      resolve(response.statusCode)
    })
      .on('error', reject)
      .end()
  })
}

describe('a listener on 127.0.0.1', () => {
  test('accepts one callback, shows a fixed page for a consent, and closes', async () => {
    const { call, url, redirect, decide } = await waiting()
    expect(redirect.href).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/[\w-]{22}$/)
    const back = decide(url, { user: 'ada' })
    const page = await fetch(back)
    expect(page.status).toBe(200)
    expect(Object.fromEntries(page.headers)).toMatchObject({
      'cache-control': 'no-store',
      'referrer-policy': 'no-referrer',
      'x-content-type-options': 'nosniff',
      'content-security-policy': expect.stringMatching(/^default-src 'none'; style-src 'sha256-[\w+/]{43}='; /),
    })
    const text = await page.text()
    expect(text).toContain('<h1>Allowed</h1>')
    expect(text).toContain('You can close this page.')
    for (const value of back.searchParams.values()) expect(text).not.toContain(value)
    const response = await call
    expect(response.status).toBe(200)
    expect(explain(response).level).toBe('authorized')
    await expect(fetch(back)).rejects.toThrow()
  })

  test('an auth server that cannot answer is no refusal of the user', async () => {
    const { call, url, decide } = await waiting()
    const page = await (await fetch(decide(url, { error: 'server_error' }))).text()
    expect(page).toContain('<h1>This did not work</h1>')
    await call.catch(() => undefined)
  })

  test('each request has a port and a path of its own', async () => {
    const [one, two] = [await waiting(), await waiting()]
    expect(one.redirect.pathname).not.toBe(two.redirect.pathname)
    for (const { decide, url } of [one, two]) await fetch(decide(url, { user: 'ada' }))
    expect((await Promise.all([one.call, two.call])).map(({ status }) => status)).toEqual([200, 200])
  })

  test('a user who says no', async () => {
    const { call, url, decide } = await waiting()
    const page = await fetch(decide(url, { error: 'access_denied' }))
    expect([page.status, await page.text()]).toEqual([200, expect.stringContaining('<h1>Refused</h1>')])
    expect(explain(await call).reason).toMatch(/^the user said no/)
  })

  test(verifies('CLI-08', 'agent.checks.callback', 'a request that is no callback of its own is refused'), async () => {
    const { call, url, redirect, decide, users } = await waiting()
    const back = decide(url, { user: 'ada' })
    const wrongState = new URL(back)
    wrongState.searchParams.set('state', 'A'.repeat(43))
    const noState = new URL(back)
    noState.searchParams.delete('state')
    const elsewhere = new URL(back)
    elsewhere.pathname = '/callback'
    for (const wrong of [
      redirect,
      wrongState,
      noState,
      elsewhere,
      new URL('/', redirect),
      new URL('/favicon.ico', redirect),
    ]) {
      const answer = await fetch(wrong)
      expect([wrong.pathname, answer.status, await answer.text()]).toEqual([wrong.pathname, 404, ''])
    }
    expect((await fetch(back, { method: 'POST' })).status).toBe(404)
    expect(await fromHost(back, 'evil.example')).toBe(404)
    expect(formsOf(users, 'code')).toEqual([])
    expect((await fetch(back)).status).toBe(200)
    expect((await call).status).toBe(200)
  })

  test('closes when no call waits any more', async () => {
    const { own } = await worldOfUsers()
    const leave = new AbortController()
    let redirect = ''
    const open = (url: string): void => {
      redirect = new URL(url).searchParams.get('redirect_uri') ?? ''
      setTimeout(() => leave.abort('bye'))
    }
    const agent = agentIn(own, { sleep: forEver, interact: loopback({ open }) })
    await expect(agent.fetch(events, { signal: leave.signal })).rejects.toBe('bye')
    await expect
      .poll(() =>
        fetch(redirect).then(
          () => 'open',
          () => 'closed',
        ),
      )
      .toBe('closed')
  })

  test('a mistake is a TypeError', () => {
    expect(() => loopback({} as never)).toThrow(TypeError)
  })
})
