import { verifies } from '@countersign/requirements'
import { IDBFactory } from 'fake-indexeddb'
import { describe, expect, test } from 'vitest'
import type { Agent } from './agent.js'
import { agentIn, calls, delegateIn } from './agents.test.fixture.js'
import { AgentError } from './error.js'
import { explain } from './explanation.js'
import type { Visit } from './interact/browser-interaction.js'
import { callbackRoute } from './interact/callback-route.js'
import { auth, calendar } from './participants.test.fixture.js'
import { indexedDbState } from './state/indexed-db-state.js'
import { memoryState } from './state/state.js'
import { callback, forEver, formsOf, worldOfUsers } from './users.test.fixture.js'

const events = `${calendar}/events`

/** The error of a call that needs the user, with where to send them. */
async function needsUser(call: Promise<unknown>): Promise<AgentError & { readonly url: string }> {
  const error = await call.then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  expect(error).toBeInstanceOf(AgentError)
  expect(error).toMatchObject({ code: 'interaction_required', url: expect.stringMatching(/^https:/) })
  return error as AgentError & { readonly url: string }
}

describe('an app with a route of its own', () => {
  test('gets the url for the user, handles the callback, and its next call passes', async () => {
    const { own, users, decide } = await worldOfUsers()
    const agent = delegateIn(own, { interact: callbackRoute({ redirectUri: callback }) })
    const { url } = await needsUser(agent.fetch(events, { method: 'GET' }))
    const [form] = formsOf(users, 'auth')
    expect(Object.keys(form ?? {})).toEqual(['request_type', 'redirect_uri', 'state', 'resource_token'])
    const query = new URLSearchParams({
      request_token: 'request-0',
      redirect_uri: callback,
      state: form?.['state'] ?? '',
    })
    expect(url).toBe(`${auth}/authorize?${query}`)
    expect(form?.['state']).toMatch(/^[\w-]{43}$/)

    const back = decide(url, { user: 'ada' })
    const granted = await agent.handleCallback(new Request(back))
    expect(granted).toEqual({
      issuer: auth,
      resource: calendar,
      scope: 'events.read',
      user: { iss: auth, sub: 'ada', claims: {} },
    })
    expect(formsOf(users, 'code')).toEqual([
      {
        request_type: 'code',
        redirect_uri: callback,
        request_token: 'request-0',
        code: back.searchParams.get('code'),
      },
    ])
    expect((await agent.fetch(events)).status).toBe(200)
    own.clock.time += 700
    expect((await agent.fetch(events)).status).toBe(200)
    expect(users.forms.map(sent => sent['request_type'])).toEqual(['auth', 'code', 'refresh'])
  })

  test('its url is in no message, cause or printed error', async () => {
    const { own } = await worldOfUsers()
    const agent = agentIn(own, { interact: callbackRoute({ redirectUri: callback }) })
    const error = await needsUser(agent.fetch(events))
    const { inspect } = await import('node:util')
    expect(inspect(error, { depth: 9, showHidden: true })).not.toContain('request-0')
    expect(JSON.stringify(error)).not.toContain('request-0')
    expect(error.cause).toEqual({ authServer: auth, resource: calendar })
  })

  test('calls while the user decides are told the same url; another scope is another request', async () => {
    const { own, users, decide } = await worldOfUsers()
    const agent = agentIn(own, { interact: callbackRoute({ redirectUri: callback }) })
    const urls = await Promise.all(Array.from({ length: 5 }, async () => (await needsUser(agent.fetch(events))).url))
    urls.push((await needsUser(agent.fetch(events))).url)
    expect(new Set(urls).size).toBe(1)
    expect(formsOf(users, 'auth')).toHaveLength(1)
    const other = await needsUser(agent.fetch(`${calendar}/notes`))
    expect(formsOf(users, 'auth')).toHaveLength(2)
    // Both are answered, in whatever order.
    await agent.handleCallback(decide(other.url, { user: 'ada' }))
    await agent.handleCallback(decide(urls[0] ?? '', { user: 'ada' }))
    expect((await agent.fetch(events)).status).toBe(200)
  })

  test('after two minutes there is a new link, since the old may be spent; its callback still works', async () => {
    const { own, decide } = await worldOfUsers()
    const agent = agentIn(own, { interact: callbackRoute({ redirectUri: callback }) })
    const first = await needsUser(agent.fetch(events))
    own.clock.time += 121
    expect((await needsUser(agent.fetch(events))).url).not.toBe(first.url)
    expect((await agent.handleCallback(decide(first.url, { user: 'ada' }))).scope).toBe('events.read')
  })

  test('a restart between question and answer loses neither', async () => {
    const { own, decide } = await worldOfUsers()
    const options = { state: memoryState(), interact: callbackRoute({ redirectUri: callback }) }
    const { url } = await needsUser(agentIn(own, options).forUser('s1').fetch(events))
    const again = agentIn(own, options)
    await again.forUser('s1').handleCallback(decide(url, { user: 'ada' }).href)
    expect((await again.forUser('s1').fetch(events)).status).toBe(200)
    expect((await agentIn(own, options).forUser('s1').fetch(events)).status).toBe(200)
  })

  test('a page that was left for the auth server goes on after it is loaded again', async () => {
    const { own, decide } = await worldOfUsers()
    const indexedDB = new IDBFactory()
    const page = (): Agent => {
      const interact = callbackRoute({ redirectUri: callback })
      return agentIn(own, { state: indexedDbState({ indexedDB }), interact })
    }
    const { url } = await needsUser(page().fetch(events))
    const loaded = page()
    await loaded.handleCallback(decide(url, { user: 'ada' }).href)
    expect((await loaded.fetch(events)).status).toBe(200)
  })

  test('a lost answer is requested again', async () => {
    const { own, users, decide } = await worldOfUsers()
    const agent = agentIn(own, { interact: callbackRoute({ redirectUri: callback }) })
    const { url } = await needsUser(agent.fetch(events))
    let lost = 0
    own.network.intercept(auth, (exchange, next) => {
      if (exchange.text.includes('request_type=code') && lost++ === 0) throw new TypeError('fetch failed')
      return next(exchange)
    })
    expect((await agent.handleCallback(decide(url, { user: 'ada' }))).issuer).toBe(auth)
    expect([lost, formsOf(users, 'code').length]).toEqual([2, 1])
  })

  test('a user who grants less: the token says so, and a route that needs it passes', async () => {
    const { own, users, decide } = await worldOfUsers()
    const agent = agentIn(own, { interact: callbackRoute({ redirectUri: callback }) })
    users.allowed = 'events.read'
    const asked = { resource: calendar, scope: 'events.read events.write' }
    const { url } = await needsUser(agent.requestAccess(asked))
    expect((await agent.handleCallback(decide(url, { user: 'ada' }))).scope).toBe('events.read')
    expect((await agent.fetch(events)).status).toBe(200)
    await needsUser(agent.fetch(`${calendar}/notes`))
  })

  test('purpose and login_hint go along', async () => {
    const { own, users } = await worldOfUsers()
    const agent = agentIn(own, { interact: callbackRoute({ redirectUri: callback }) })
    const hints = { purpose: 'To plan your week.', loginHint: 'ada@example.com' }
    await needsUser(agent.requestAccess({ resource: calendar, scope: 'events.read', ...hints }))
    expect(formsOf(users, 'auth')[0]).toMatchObject({ purpose: 'To plan your week.', login_hint: 'ada@example.com' })
  })
})

describe('calls that wait for their user', () => {
  test('share one visit, which gets the user, the resource and the scope; the callback lets all go on', async () => {
    const { own, users, decide } = await worldOfUsers()
    const visits: Array<readonly [string, Visit]> = []
    const visit = (url: string, about: Visit): void => void visits.push([url, about])
    const agent = agentIn(own, { sleep: forEver, interact: callbackRoute({ redirectUri: callback, visit }) })
    const view = agent.forUser('s1')
    const all = [view.fetch(events), view.fetch(events), view.fetch(events)]
    await expect.poll(() => visits.length).toBe(1)
    const [url = '', about] = visits[0] ?? []
    const { ended, ...told } = about ?? {}
    expect(told).toEqual({ user: 's1', issuer: auth, resource: calendar, scope: 'events.read' })
    expect(ended?.aborted).toBe(false)
    await view.handleCallback(decide(url, { user: 'ada' }))
    const responses = await Promise.all(all)
    expect(ended?.aborted).toBe(true)
    expect(responses.map(response => response.status)).toEqual([200, 200, 200])
    expect(users.forms.map(form => form['request_type'])).toEqual(['auth', 'code'])
    const what = responses.flatMap(response => explain(response).steps.map(step => step.what))
    expect(what).toContain('interact')
    expect(JSON.stringify(responses.map(explain))).not.toMatch(/request-0|code-/)
  })

  test('a visit may last until the answer, which aborts its signal', async () => {
    const { own, decide } = await worldOfUsers()
    const visit = async (url: string, { ended }: Visit): Promise<void> => {
      await agent.handleCallback(decide(url, { user: 'ada' }))
      if (!ended.aborted) await new Promise(resolve => ended.addEventListener('abort', resolve))
      await new Promise(() => undefined)
    }
    const agent = agentIn(own, { sleep: forEver, interact: callbackRoute({ redirectUri: callback, visit }) })
    expect((await agent.fetch(events)).status).toBe(200)
  })

  test('an AgentError of the visit ends the call', async () => {
    const { own } = await worldOfUsers()
    const visit = (): void => {
      throw new AgentError('denied', 'the user closed the question')
    }
    const agent = agentIn(own, { sleep: forEver, interact: callbackRoute({ redirectUri: callback, visit }) })
    expect(explain(await agent.fetch(events)).reason).toBe(
      'the user closed the question; so the challenge of calendar.example could not be met',
    )
  })

  test('a user who refuses: the challenge comes back with the reason', async () => {
    const { own, decide } = await worldOfUsers()
    const visit = (url: string): void => {
      setTimeout(() => agent.handleCallback(decide(url, { error: 'access_denied' })).catch(() => undefined))
    }
    const agent = agentIn(own, { sleep: forEver, interact: callbackRoute({ redirectUri: callback, visit }) })
    const response = await agent.fetch(events)
    expect(response.status).toBe(401)
    expect(explain(response)).toMatchObject({
      outcome: 'gave_up',
      reason: 'the user said no (access_denied); so the challenge of calendar.example could not be met',
    })
  })

  test('an error ends the waiting when the time is up', async () => {
    const { own } = await worldOfUsers()
    const waits: number[] = []
    const sleep = async (seconds: number): Promise<void> => void waits.push(seconds)
    const interact = callbackRoute({ redirectUri: callback, visit: () => undefined })
    const response = await agentIn(own, { sleep, interact }).fetch(events)
    expect(explain(response).reason).toMatch(/^the user did not come back in time/)
    expect(waits).toEqual([660])
  })

  test('a visit that fails: the error has the url, and not the error of the visit', async () => {
    const { own } = await worldOfUsers()
    const visit = (url: string): void => {
      throw new Error(`cannot open ${url}`)
    }
    const agent = agentIn(own, { sleep: forEver, interact: callbackRoute({ redirectUri: callback, visit }) })
    const error = await needsUser(agent.fetch(events))
    expect([error.message, error.cause]).toEqual(['the user could not be sent to the page that asks them', undefined])
  })

  test('a call that leaves does not end the others; when all have left, the waiting ends', async () => {
    const { own, users, decide } = await worldOfUsers()
    const visits: string[] = []
    const ended: boolean[] = []
    const sleep = (_: number, signal?: AbortSignal): Promise<void> =>
      new Promise(resolve => signal?.addEventListener('abort', () => resolve(void ended.push(true))))
    const interact = callbackRoute({ redirectUri: callback, visit: url => void visits.push(url) })
    const agent = agentIn(own, { sleep, interact })
    const [one, other, last] = [new AbortController(), new AbortController(), new AbortController()]
    const leaves = expect(agent.fetch(events, { signal: one.signal })).rejects.toBe('bye')
    const stays = agent.fetch(events, { signal: other.signal })
    await expect.poll(() => visits.length).toBe(1)
    await expect.poll(() => calls(own, calendar).filter(call => call === 'GET /events').length).toBe(4)
    one.abort('bye')
    await leaves
    expect(ended).toEqual([])
    await agent.handleCallback(decide(visits[0] ?? '', { user: 'ada' }))
    expect((await stays).status).toBe(200)
    expect(ended).toEqual([true])

    const gone = expect(agent.fetch(`${calendar}/notes`, { signal: last.signal })).rejects.toBe('bye')
    await expect.poll(() => visits.length).toBe(2)
    last.abort('bye')
    await gone
    await expect.poll(() => ended).toEqual([true, true])
    // The user decides after all: it is kept for the next call.
    await agent.handleCallback(decide(visits[1] ?? '', { user: 'ada' }))
    expect((await agent.fetch(`${calendar}/notes`)).status).toBe(200)
    expect(formsOf(users, 'auth')).toHaveLength(2)
  })

  test('a key that is replaced while the user decides: the token is for the new key', async () => {
    const { own, decide } = await worldOfUsers()
    let decided = (): void => undefined
    const visit = (url: string): void => {
      decided = () => void agent.handleCallback(decide(url, { user: 'ada' }))
    }
    const agent = delegateIn(own, { sleep: forEver, interact: callbackRoute({ redirectUri: callback, visit }) })
    let asked = false
    own.network.intercept(auth, async (exchange, next) => {
      asked ||= exchange.text.includes('request_type=auth')
      return next(exchange)
    })
    const call = agent.fetch(events)
    await expect.poll(() => asked).toBe(true)
    await agent.rotateKey()
    decided()
    expect((await call).status).toBe(200)
  })

  test(verifies('agent.interactions', 'a resource that is never satisfied sends its user twice'), async () => {
    const { own, users, decide } = await worldOfUsers()
    own.network.intercept(calendar, async (exchange, next) => {
      if (exchange.header('signature-key')?.startsWith('sig=jwt') !== true) return next(exchange)
      const headers = { 'agent-auth': 'httpsig; identity=?1' }
      return Response.json({ error: 'invalid_auth_token' }, { status: 401, headers })
    })
    let visits = 0
    const visit = (url: string): void => {
      visits += 1
      users.tamper = ({ refresh_token: _, ...answer }) => answer
      setTimeout(() => agent.handleCallback(decide(url, { user: 'ada' })))
    }
    const agent = agentIn(own, { sleep: forEver, interact: callbackRoute({ redirectUri: callback, visit }) })
    expect((await agent.fetch(events)).status).toBe(401)
    expect(visits).toBe(2)
  })
})
