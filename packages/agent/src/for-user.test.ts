import { verifies } from '@countersign/requirements'
import { describe, expect, test } from 'vitest'
import type { Agent } from './agent.js'
import { agentIn, delegateIn } from './agents.test.fixture.js'
import { AgentError } from './error.js'
import { callbackRoute } from './interact/callback-route.js'
import { auth, calendar, type World } from './participants.test.fixture.js'
import { type AgentState, memoryState } from './state/state.js'
import { callback, forEver, formsOf, worldOfUsers } from './users.test.fixture.js'
import type { View } from './view.js'

const events = `${calendar}/events`
const interact = callbackRoute({ redirectUri: callback })

async function urlOf(view: Pick<View, 'fetch'>): Promise<string> {
  const error = await view.fetch(events).catch((thrown: unknown) => thrown)
  if (!(error instanceof AgentError) || error.url === undefined) throw error
  return error.url
}

/** The users in whose name requests to the calendar were answered, in order. */
function usersSeen(own: World): string[] {
  return own.network.sent
    .filter(({ origin, target }) => origin === calendar && target === '/events')
    .flatMap(exchange => /jwt="[^.]+\.([^.]+)/.exec(exchange.header('signature-key') ?? '')?.[1] ?? [])
    .map(
      payload =>
        JSON.parse(atob(payload.replaceAll('-', '+').replaceAll('_', '/'))) as { sub?: string; scope?: string },
    )
    .flatMap(({ sub, scope }) => (scope === undefined ? [] : [String(sub)]))
}

/** A state whose names can be seen. */
function watchedState(): AgentState & { readonly names: Set<string> } {
  const [inner, names] = [memoryState(), new Set<string>()]
  const write = (key: string, value: unknown): Promise<void> => {
    names.add(key)
    return inner.write(key, value)
  }
  return { ...inner, names, write }
}

describe('two users of one agent', () => {
  test(verifies('CLI-21', 'each has their own tokens, which the agent itself does not have'), async () => {
    const { own, users, decide } = await worldOfUsers()
    const agent = delegateIn(own, { interact })
    const [ada, bob] = [agent.forUser('s1'), agent.forUser('s2')]
    await ada.handleCallback(decide(await urlOf(ada), { user: 'ada' }))
    // Bob is asked though Ada has agreed already.
    await bob.handleCallback(decide(await urlOf(bob), { user: 'bob' }))
    await urlOf(agent)
    expect(formsOf(users, 'auth')).toHaveLength(3)
    own.network.sent.length = 0
    for (const view of [ada, bob, bob, ada]) expect((await view.fetch(events)).status).toBe(200)
    expect(usersSeen(own)).toEqual(['ada', 'bob', 'bob', 'ada'])
    own.clock.time += 700
    own.network.sent.length = 0
    for (const view of [bob, ada]) expect((await view.fetch(events)).status).toBe(200)
    expect(formsOf(users, 'refresh').map(form => form['refresh_token'])).toEqual(['refresh-1', 'refresh-0'])
  })

  test(
    verifies(
      'agent.tokens.per-user',
      'agent.checks.callback',
      'CLI-08',
      'a callback in another’s session redeems nothing',
    ),
    async () => {
      const { own, users, decide } = await worldOfUsers()
      const agent = agentIn(own, { interact })
      const [ada, mallory] = [agent.forUser('ada'), agent.forUser('mallory')]
      // Mallory agrees at her own account and has Ada's browser bring the answer.
      const trap = decide(await urlOf(mallory), { user: 'mallory' })
      await urlOf(ada)
      for (const other of [ada, agent, agent.forUser('nobody'), agent.forUser('mallory '), agent.forUser('mallor')])
        await expect(other.handleCallback(trap)).rejects.toMatchObject({ code: 'invalid_callback' })
      expect(formsOf(users, 'code')).toEqual([])
      expect((await mallory.handleCallback(trap)).user?.sub).toBe('mallory')
    },
  )

  test(
    verifies('agent.tokens.per-user', 'a code of another session is refused under the state of this one'),
    async () => {
      const { own, users, decide } = await worldOfUsers()
      const agent = agentIn(own, { interact })
      const [ada, mallory] = [agent.forUser('ada'), agent.forUser('mallory')]
      const hers = decide(await urlOf(mallory), { user: 'mallory' })
      const back = new URL(decide(await urlOf(ada), { user: 'ada' }))
      back.searchParams.set('code', hers.searchParams.get('code') ?? '')
      await expect(ada.handleCallback(back)).rejects.toMatchObject({
        code: 'denied',
        cause: { error: 'invalid_grant' },
      })
      // It was sent with the request token of the session it came to.
      expect(formsOf(users, 'code').map(form => form['request_token'])).toEqual(['request-1'])
    },
  )

  test(verifies('agent.tokens.per-user', 'they race: each waits for their own answer only'), async () => {
    const { own, users, decide } = await worldOfUsers()
    const visits = new Map<string, string>()
    const waiting = callbackRoute({
      redirectUri: callback,
      visit: (url, { user = '' }) => void visits.set(user, url),
    })
    const agent = agentIn(own, { interact: waiting, sleep: forEver })
    const names = ['s1', 's2', 's3']
    const all = names.flatMap(name => [agent.forUser(name).fetch(events), agent.forUser(name).fetch(events)])
    await expect.poll(() => visits.size).toBe(3)
    expect(new Set(visits.values()).size).toBe(3)
    let settled = 0
    for (const call of all) call.then(() => (settled += 1))
    await agent.forUser('s2').handleCallback(decide(visits.get('s2') ?? '', { user: 'bob' }))
    await expect.poll(() => settled).toBe(2)
    expect(new Set(usersSeen(own))).toEqual(new Set(['bob']))
    for (const name of ['s1', 's3'])
      await agent.forUser(name).handleCallback(decide(visits.get(name) ?? '', { user: name }))
    expect((await Promise.all(all)).map(response => response.status)).toEqual([200, 200, 200, 200, 200, 200])
    expect(formsOf(users, 'auth')).toHaveLength(3)
  })

  test(verifies('agent.tokens.per-user', 'running refreshes are not shared'), async () => {
    const { own, users, decide } = await worldOfUsers()
    const agent = agentIn(own, { interact })
    for (const user of ['ada', 'bob']) {
      const view = agent.forUser(user)
      await view.handleCallback(decide(await urlOf(view), { user }))
    }
    own.clock.time += 700
    const views = ['ada', 'bob', 'ada', 'bob'].map(user => agent.forUser(user))
    await Promise.all(views.map(view => view.fetch(events)))
    expect(new Set(formsOf(users, 'refresh').map(form => form['refresh_token']))).toEqual(
      new Set(['refresh-0', 'refresh-1']),
    )
    expect(formsOf(users, 'refresh')).toHaveLength(2)
  })

  test(
    verifies('agent.checks.refreshed', 'agent.tokens.per-user', 'a refreshed token about another user is refused'),
    async () => {
      const { own, decide } = await worldOfUsers()
      const view = agentIn(own, { interact }).forUser('s1')
      await view.handleCallback(decide(await urlOf(view), { user: 'ada' }))
      own.clock.time += 700
      own.tamper.set('auth+jwt', claims => ({ ...claims, sub: 'bob' }))
      await view.fetch(events).catch(() => undefined)
      own.tamper.clear()
      expect((await view.fetch(events)).status).toBe(200)
      expect(usersSeen(own)).toEqual(['ada'])
    },
  )

  test('sessions that never come back leave nothing in the state', async () => {
    const { own } = await worldOfUsers()
    const state = watchedState()
    const removed: string[] = []
    const remove = (key: string): Promise<void> => {
      removed.push(key)
      return state.remove(key)
    }
    const agent = agentIn(own, { interact, state: { ...state, remove } })
    for (const name of ['s1', 's2', 's3']) await urlOf(agent.forUser(name))
    own.clock.time += 661
    await urlOf(agent.forUser('s4'))
    await expect.poll(() => removed).toEqual(['user s1 interactions', 'user s2 interactions', 'user s3 interactions'])
  })

  test(verifies('agent.tokens.per-user', 'the key of a user never reaches the state of another user'), async () => {
    const { own, decide } = await worldOfUsers()
    const state = watchedState()
    const agent: Agent = agentIn(own, { interact, state })
    const names = ['a', 'a b', 'a%20b', 'user a', 'grants', '../a', '__proto__', 'é', 'a\nb']
    for (const name of names) {
      const view = agent.forUser(name)
      await view.handleCallback(decide(await urlOf(view), { user: 'someone' }))
    }
    const grants = [...state.names].filter(name => name.includes('grants https:'))
    expect(grants).toHaveLength(names.length)
    expect(grants[1]).toBe(`user a%20b grants https://agent.example  ${calendar}`)
    expect(grants.every(name => /^user [^ ]+ grants /.test(name))).toBe(true)
  })

  test('a pseudonym has another key for each user', async () => {
    const { own } = await worldOfUsers()
    const agent = agentIn(own)
    for (const view of [agent, agent.forUser('s1'), agent.forUser('s2'), agent.forUser('s1')])
      await view.fetch(`${calendar}/feed`)
    const keys = own.network.sent.flatMap(exchange => exchange.header('signature-key') ?? [])
    expect([keys.length, new Set(keys).size]).toEqual([4, 3])
  })

  test('new sessions do not grow memory without end; a forgotten one goes on from the state', async () => {
    const { own, decide } = await worldOfUsers()
    const agent = agentIn(own, { interact })
    const ada = agent.forUser('ada')
    await ada.handleCallback(decide(await urlOf(ada), { user: 'ada' }))
    for (let n = 0; n < 1000; n++) agent.forUser(`s${n}`)
    expect(agent.forUser('ada')).not.toBe(ada)
    expect((await agent.forUser('ada').fetch(events)).status).toBe(200)
  })
})

describe('two delegates, two issuers', () => {
  test(verifies('agent.tokens.per-user', 'an agent and a delegate that share a state share no question'), async () => {
    const { own, users, decide } = await worldOfUsers()
    const state = memoryState()
    const [one, other] = [agentIn(own, { state, interact }), delegateIn(own, { state, interact })].map(agent =>
      agent.forUser('ada'),
    ) as [View, View]
    const [first, second] = [await urlOf(one), await urlOf(other)].map(url => decide(url, { user: 'ada' })) as [
      URL,
      URL,
    ]
    await expect(other.handleCallback(first)).rejects.toMatchObject({ code: 'invalid_callback' })
    expect(formsOf(users, 'auth')).toHaveLength(2)
    await Promise.all([one.handleCallback(first), other.handleCallback(second)])
    expect(formsOf(users, 'code')).toHaveLength(2)
  })

  test('a callback does not make a delegate enrol', async () => {
    const { own } = await worldOfUsers()
    const agent = delegateIn(own, { interact })
    await expect(agent.handleCallback(`${callback}?state=x`)).rejects.toMatchObject({ code: 'invalid_callback' })
    expect(own.network.sent).toEqual([])
  })

  test(
    verifies(
      'agent.tokens.per-user',
      'refresh.bound-to-delegate',
      'two delegates with one user race, and share nothing',
    ),
    async () => {
      const { own, users, decide } = await worldOfUsers()
      own.delegates.codes.set('other', 'd2')
      const [one, two] = [memoryState(), memoryState()].map((state, n) =>
        delegateIn(own, { state, interact, code: n === 0 ? 'first' : 'other' }).forUser('ada'),
      ) as [View, View]
      const urls = await Promise.all([urlOf(one), urlOf(two)])
      const [first, second] = urls.map(url => decide(url, { user: 'ada' })) as [URL, URL]
      await expect(two.handleCallback(first)).rejects.toMatchObject({ code: 'invalid_callback' })
      await Promise.all([one.handleCallback(first), two.handleCallback(second)])
      expect(await Promise.all([one, two].map(async view => (await view.fetch(events)).status))).toEqual([200, 200])
      expect(formsOf(users, 'code')).toHaveLength(2)
    },
  )

  test(
    verifies(
      'agent.refresh-to-issuer',
      'agent.checks.callback',
      'a callback of one issuer is never redeemed at another',
    ),
    async () => {
      const { own, users, decide } = await worldOfUsers()
      const agent = agentIn(own, { interact, acceptAuthServer: [auth, 'https://auth2.example'] })
      const back = decide(await urlOf(agent), { user: 'ada' })
      back.searchParams.set('iss', 'https://auth2.example')
      await expect(agent.handleCallback(back)).rejects.toMatchObject({
        code: 'invalid_callback',
        cause: { member: 'iss' },
      })
      expect(formsOf(users, 'code')).toEqual([])
      expect(own.network.documents.filter(url => url.startsWith('https://auth2.example'))).toEqual([])
      expect(own.network.sent.filter(({ origin }) => origin === 'https://auth2.example')).toEqual([])
    },
  )
})
