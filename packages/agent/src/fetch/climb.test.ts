import { verifies } from '@countersign/requirements'
import { describe, expect, test } from 'vitest'
import { agentIn, calls, delegateIn, schemes } from '../agents.test.fixture.js'
import { explain } from '../explanation.js'
import { pseudonym } from '../identity/identity.js'
import { auth, calendar, home, world } from '../participants.test.fixture.js'
import { memoryState } from '../state/state.js'

describe('one call climbs to the level that is asked', () => {
  test('an open route gets an unsigned request', async () => {
    const own = await world()
    const response = await agentIn(own).fetch(`${calendar}/public`)
    expect(response.status).toBe(200)
    expect(schemes(own, calendar)).toEqual(['none'])
    expect(explain(response)).toEqual({
      level: 'anonymous',
      outcome: 'answered',
      steps: [{ what: 'request', status: 200, detail: 'GET /public unsigned' }],
    })
  })

  test(verifies('agent.identify-to', 'a challenge for a signature alone gets a pseudonymous key'), async () => {
    const own = await world()
    const agent = agentIn(own, { identity: pseudonym() })
    const response = await agent.fetch(`${calendar}/feed`)
    expect(await response.json()).toMatchObject({ level: 'pseudonymous' })
    await agent.fetch(`${calendar}/feed`)
    const keys = own.network.sent.map(exchange => exchange.header('signature-key'))
    expect(schemes(own, calendar)).toEqual(['none', 'hwk', 'hwk'])
    expect(keys[1]).toBe(keys[2])
  })

  test(verifies('agent.identify-to', 'jwks_uri: the agent identifies itself by its published key'), async () => {
    const own = await world()
    const response = await agentIn(own).fetch(`${calendar}/agenda`)
    expect(response.status).toBe(200)
    expect(schemes(own, calendar)).toEqual(['none', 'jwks_uri'])
    expect(explain(response)).toMatchObject({ level: 'identified', outcome: 'answered' })
  })

  test(verifies('agent.identify-to', 'jwt: a delegate enrols once, then identifies itself'), async () => {
    const own = await world()
    const agent = delegateIn(own)
    expect((await agent.fetch(`${calendar}/agenda`)).status).toBe(200)
    expect((await agent.fetch(`${calendar}/agenda`)).status).toBe(200)
    expect(schemes(own, calendar)).toEqual(['none', 'jwt', 'jwt'])
    expect(calls(own, home)).toEqual(['POST /delegates'])
  })

  test.each([
    ['the agent itself', agentIn, ['none', 'jwks_uri', 'jwt']],
    ['a delegate', delegateIn, ['none', 'jwt', 'jwt']],
  ] as const)(verifies('agent.tokens.kept', '%s gets an auth token and keeps it'), async (_, make, expected) => {
    const own = await world()
    const agent = make(own)
    const response = await agent.fetch(`${calendar}/events?day=1`)
    expect(await response.json()).toMatchObject({ level: 'authorized', target: '/events?day=1' })
    expect(schemes(own, calendar)).toEqual(expected)
    expect(calls(own, auth)).toEqual(['POST /token'])
    expect(explain(response)).toMatchObject({ level: 'authorized', outcome: 'answered' })
    expect((await agent.fetch(`${calendar}/events`)).status).toBe(200)
    expect(schemes(own, calendar)).toEqual([...expected, 'jwt'])
    expect(calls(own, auth)).toEqual(['POST /token'])
  })

  test(verifies('agent.tokens.kept', 'a second scope replaces the token by one with both'), async () => {
    const own = await world()
    const state = memoryState()
    const agent = agentIn(own, { state })
    await agent.fetch(`${calendar}/events`)
    const response = await agent.fetch(`${calendar}/notes`, { method: 'POST', body: 'milk' })
    expect(await response.json()).toMatchObject({ level: 'authorized', body: 'milk' })
    const grants = (await state.read(`grants ${home}  ${calendar}`)) as Array<{ scope: string }>
    expect(grants.map(grant => grant.scope)).toEqual(['events.read events.write'])
    expect((await agent.fetch(`${calendar}/events`)).status).toBe(200)
    expect(calls(own, auth)).toHaveLength(2)
  })

  test(verifies('CLI-17', 'over the limit of one level the call goes on at the next, without waiting'), async () => {
    const own = await world()
    const waits: number[] = []
    const agent = agentIn(own, { sleep: async seconds => void waits.push(seconds) })
    const response = await agent.fetch(`${calendar}/limited`)
    expect(response.status).toBe(200)
    expect(schemes(own, calendar)).toEqual(['none', 'hwk'])
    expect(waits).toEqual([])
  })

  test('an error of the application is returned, and its level remembered', async () => {
    const own = await world()
    const response = await agentIn(own).fetch(`${calendar}/nowhere`)
    expect(response.status).toBe(404)
    expect(explain(response)).toMatchObject({ outcome: 'answered' })
  })

  test(verifies('sig.nonce.written', 'every signed request has a nonce of its own'), async () => {
    const own = await world()
    await agentIn(own).fetch(`${calendar}/events`)
    const signed = own.network.sent.flatMap(exchange => exchange.header('signature-input') ?? [])
    const nonces = signed.map(input => /;nonce="([\w-]{22,})"/.exec(input)?.[1])
    expect(signed).toHaveLength(3)
    expect(new Set(nonces).size).toBe(3)
    expect(nonces).not.toContain(undefined)
  })

  test('events tell the steps as they happen, and hold no token', async () => {
    const own = await world()
    const events: unknown[] = []
    const agent = delegateIn(own, {
      onEvent: event => {
        events.push(event)
        throw new Error('a listener that throws')
      },
    })
    const response = await agent.fetch(`${calendar}/events`)
    expect(events).toMatchObject([
      { origin: calendar, what: 'request', status: 401 },
      { origin: calendar, what: 'challenge', status: 401 },
      { origin: home, what: 'enroll' },
      { origin: calendar, what: 'sign', status: 401 },
      { origin: calendar, what: 'challenge', status: 401 },
      { origin: auth, what: 'authorize' },
      { origin: calendar, what: 'authorize' },
      { origin: calendar, what: 'sign', status: 200 },
    ])
    expect(JSON.stringify([events, explain(response)])).not.toMatch(/eyJ|refresh-0|first/)
  })
})

describe('many calls at once', () => {
  test(verifies('agent.tokens.kept', 'one enrolment and one token request serve all'), async () => {
    const own = await world()
    const agent = delegateIn(own)
    const all = await Promise.all(Array.from({ length: 20 }, () => agent.fetch(`${calendar}/events`)))
    expect(all.map(response => response.status)).toEqual(Array.from({ length: 20 }, () => 200))
    expect(calls(own, home)).toEqual(['POST /delegates'])
    expect(calls(own, auth)).toEqual(['POST /token'])
  })

  test('an aborted call does not end the token request for the others', async () => {
    const own = await world()
    const agent = agentIn(own)
    const stop = new AbortController()
    own.network.intercept(auth, async (exchange, next) => {
      if (exchange.method === 'POST') stop.abort(new Error('enough'))
      return next(exchange)
    })
    const [aborted, other] = await Promise.allSettled([
      agent.fetch(`${calendar}/events`, { signal: stop.signal }),
      agent.fetch(`${calendar}/events`),
    ])
    expect(aborted).toMatchObject({ status: 'rejected', reason: { message: 'enough' } })
    expect(other).toMatchObject({ status: 'fulfilled', value: { status: 200 } })
    expect(calls(own, auth)).toEqual(['POST /token'])
  })
})
