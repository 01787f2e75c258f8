import { generateSigningKey } from '@countersign/httpsig'
import { verifies } from '@countersign/requirements'
import { beforeEach, describe, expect, test } from 'vitest'
import { createDiscovery } from './index.js'
import { discoveryOf, hanging, publish, published, quiet, strangers, type Web, web } from './web.test.fixture.js'

const id = 'https://agent.example'
const k1 = await generateSigningKey()

/** Names in a flood of invented ones. */
const names = process.env['COUNTERSIGN_LONG'] === '1' ? 100_000 : 2000

let on: Web
beforeEach(() => {
  on = web()
  publish(on, id, [published('k1', k1)])
})

describe(verifies('discovery.bounded', 'a flood of invented identifiers'), () => {
  test(`of ${names} evicts no known participant, and the cache keeps its bound`, async () => {
    const evicted: string[] = []
    const discovery = discoveryOf(on, {
      maxEntries: 1000,
      onEvent: event => event.type === 'evicted' && evicted.push(event.id),
    })
    const known = await discovery.key('aauth-agent', id, 'k1')
    let failed = 0
    for (let batch = 0; batch < names / 100; batch++) {
      const flood = Array.from({ length: 100 }, (_, i) => `https://x${batch * 100 + i}.example`)
      const outcomes = await Promise.allSettled(flood.map(each => discovery.agent(each)))
      failed += outcomes.filter(outcome => outcome.status === 'rejected').length
    }
    expect(failed).toBe(names)
    expect(evicted.length).toBe(names + 1 - 1000)
    expect(evicted).not.toContain(id)
    const before = on.fetched.length
    expect(await discovery.key('aauth-agent', id, 'k1')).toBe(known)
    expect(on.fetched.length).toBe(before)
  }, 120_000)

  test('evicts no other new identifier when its fetches are refused', async () => {
    const net = hanging(on)
    const evicted: string[] = []
    const discovery = createDiscovery({
      fetcher: net.fetcher,
      now: () => on.clock,
      timeout: 0.1,
      maxConcurrent: 2,
      maxEntries: 20,
      onEvent: event => event.type === 'evicted' && evicted.push(event.id),
    })
    await discovery.agent(id)
    await Promise.allSettled(strangers(1000).map(each => discovery.agent(each)))
    expect(evicted).toEqual([])
  })

  test('of real agents leaves new ones a fifth of the room, and keeps those used last', async () => {
    const discovery = discoveryOf(on, { maxEntries: 10 })
    const ids = Array.from({ length: 12 }, (_, i) => `https://c${i}.example`)
    for (const each of ids) {
      publish(on, each, [published('k1', k1)])
      await discovery.key('aauth-agent', each, 'k1')
      await discovery.key('aauth-agent', 'https://c0.example', 'k1')
    }
    // Ten invented names: two have room at a time, the eight known participants used last stay.
    for (const each of strangers(10)) await quiet(discovery.agent(each))
    const before = on.fetched.length
    for (const each of ['https://c0.example', ...ids.slice(-7)]) await discovery.key('aauth-agent', each, 'k1')
    expect(on.fetched.length).toBe(before)
    await discovery.key('aauth-agent', 'https://c1.example', 'k1')
    expect(on.fetched.length).toBe(before + 2)
  })
})
