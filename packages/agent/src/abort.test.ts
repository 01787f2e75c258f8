import { describe, expect, test } from 'vitest'
import type { Agent } from './agent.js'
import { agentIn, calls, delegateIn } from './agents.test.fixture.js'
import type { Exchange } from './network.test.fixture.js'
import { auth, calendar, home, type World, world } from './participants.test.fixture.js'

const events = `${calendar}/events`
const reason = new Error('changed my mind')

/** Requests to an origin that fit hang until they are let go; `reached` tells that one does. */
function hangs(
  own: World,
  origin: string,
  fits: (exchange: Exchange) => boolean,
): { reached: Promise<void>; go(): void } {
  let arrived = (): void => undefined
  let go = (): void => undefined
  const reached = new Promise<void>(resolve => {
    arrived = resolve
  })
  const held = new Promise<void>(resolve => {
    go = resolve
  })
  own.network.intercept(origin, async (exchange, next) => {
    if (fits(exchange)) {
      arrived()
      await held
    }
    return next(exchange)
  })
  return { reached, go: () => go() }
}

/** Where a call can be waiting when it is aborted. */
const stages: ReadonlyArray<readonly [string, string, (exchange: Exchange) => boolean]> = [
  ['its first request', calendar, e => e.target === '/events' && e.header('signature') === undefined],
  ['its signed request', calendar, e => e.header('signature-key')?.startsWith('sig=jwt') === true],
  ['the agent server’s metadata', home, e => e.target === '/.well-known/aauth-agent'],
  ['its enrolment', home, e => e.target === '/delegates'],
  ['the resource’s keys', calendar, e => e.target === '/jwks.json'],
  ['the auth server’s metadata', auth, e => e.target === '/.well-known/aauth-issuer'],
  ['its token request', auth, e => e.target === '/token'],
]

describe('a call that is aborted ends at once with the reason, and the next one passes', () => {
  test.each(stages)('while it waits for %s', async (_, origin, fits) => {
    const own = await world()
    const agent = delegateIn(own)
    const stop = new AbortController()
    const { reached, go } = hangs(own, origin, fits)
    const call = agent.fetch(events, { signal: stop.signal })
    const ended = expect(call).rejects.toBe(reason)
    await reached
    stop.abort(reason)
    await ended
    const before = own.network.sent.filter(exchange => exchange.target === '/events').length
    go()
    await new Promise(resolve => setTimeout(resolve, 5))
    // Nothing of the call begins after that.
    expect(own.network.sent.filter(exchange => exchange.target === '/events')).toHaveLength(before)
    expect((await agent.fetch(events)).status).toBe(200)
  })

  test.each(stages.slice(2))('and another call that waits for %s too goes on', async (_, origin, fits) => {
    const own = await world()
    const agent = delegateIn(own)
    const stop = new AbortController()
    const { reached, go } = hangs(own, origin, fits)
    const aborted = expect(agent.fetch(events, { signal: stop.signal })).rejects.toBe(reason)
    const other = agent.fetch(events)
    await reached
    stop.abort(reason)
    await aborted
    go()
    expect((await other).status).toBe(200)
    expect(calls(own, home).filter(call => call.startsWith('POST'))).toHaveLength(1)
    expect(calls(own, auth).filter(call => call.startsWith('POST'))).toHaveLength(1)
  })

  test('while it prepares its first request: nothing is renewed or refreshed', async () => {
    const own = await world()
    const gates: Array<() => Promise<void>> = []
    const agent = delegateIn(own, {
      identifyTo: async () => {
        await gates.pop()?.()
        return true
      },
    })
    await agent.fetch(events)
    own.clock.time += 3590
    const posts = (): string[] => [...calls(own, home), ...calls(own, auth)].filter(call => call.startsWith('POST'))
    const before = posts()
    const stop = new AbortController()
    const ended = new Promise<void>(resolve => {
      gates.push(async () => stop.abort(reason))
      setTimeout(resolve, 5)
    })
    await expect(agent.fetch(events, { signal: stop.signal })).rejects.toBe(reason)
    await ended
    expect(posts()).toEqual(before)
    expect((await agent.fetch(events)).status).toBe(200)
    expect(posts()).toHaveLength(before.length + 2)
  })

  test('while it waits to sign anew', async () => {
    const own = await world()
    let waiting = (): void => undefined
    const reached = new Promise<void>(resolve => {
      waiting = resolve
    })
    const sleep = (): Promise<void> => {
      waiting()
      return new Promise(() => undefined)
    }
    const agent = agentIn(own, { sleep })
    await agent.fetch(`${calendar}/agenda`)
    own.network.intercept(calendar, () =>
      Response.json({ error: 'temporarily_unavailable' }, { status: 503, headers: { 'retry-after': '5' } }),
    )
    const stop = new AbortController()
    const ended = expect(agent.fetch(`${calendar}/agenda`, { signal: stop.signal })).rejects.toBe(reason)
    await reached
    stop.abort(reason)
    await ended
  })

  test('while the error body of a challenge drips', async () => {
    const own = await world()
    const stop = new AbortController()
    own.network.intercept(calendar, () => {
      setTimeout(() => stop.abort(reason))
      const headers = { 'content-type': 'application/json', 'agent-auth': 'httpsig' }
      return new Response(new ReadableStream(), { status: 401, headers })
    })
    await expect(agentIn(own).fetch(events, { signal: stop.signal })).rejects.toBe(reason)
  })

  test('while its own body is read, of which nothing is sent', async () => {
    const own = await world()
    const stop = new AbortController()
    let cancelled = false
    const body = new ReadableStream({
      pull: () => void setTimeout(() => stop.abort(reason)),
      cancel: () => {
        cancelled = true
      },
    })
    const call = agentIn(own).fetch(events, { method: 'POST', body, signal: stop.signal })
    await expect(call).rejects.toBe(reason)
    expect(own.network.sent).toEqual([])
    await expect.poll(() => cancelled).toBe(true)
  })

  test('before it begins: nothing is sent, and the body is not read', async () => {
    const own = await world()
    let read = false
    const body = new ReadableStream(
      {
        pull: () => {
          read = true
        },
      },
      { highWaterMark: 0 },
    )
    const call = agentIn(own).fetch(events, { method: 'POST', body, signal: AbortSignal.abort(reason) })
    await expect(call).rejects.toBe(reason)
    expect([read, own.network.sent.length]).toEqual([false, 0])
  })

  test('by AbortSignal.timeout, also inside a Request', async () => {
    const own = await world()
    hangs(own, calendar, () => true)
    const agent: Agent = agentIn(own)
    const request = new Request(events, { signal: AbortSignal.timeout(5) })
    await expect(agent.fetch(request)).rejects.toMatchObject({ name: 'TimeoutError' })
    await expect(agent.fetch(events, { signal: AbortSignal.timeout(5) })).rejects.toMatchObject({
      name: 'TimeoutError',
    })
  })
})
