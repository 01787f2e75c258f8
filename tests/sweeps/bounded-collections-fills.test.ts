import { generateSigningKey } from '@countersign/httpsig'
import { boundedMap } from '@countersign/protocol/internal'
import { verifies } from '@countersign/requirements'
import { asKey } from '@countersign/testing/world/signer'
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js'
import { expect, test } from 'vitest'
import { rateLimit } from '../../packages/auth-server/src/bound/rate-limit.js'
import { createRepeats } from '../../packages/auth-server/src/token/repeats.js'
import { boundedCache } from '../../packages/discovery/src/bounded-cache.js'
import { openQuestions } from '../../packages/mcp-sdk1/src/bridge/questions.js'
import { guardMcp } from '../../packages/mcp-sdk1/src/index.js'
import { type InteractionSession, memoryCounter, memoryInteractions } from '../../packages/resource/src/index.js'
import { spentCounts } from '../../packages/resource/src/limit/spent-counts.js'
import { makeWorld } from '../../packages/resource/src/world.test.fixture.js'

// What the comments of collections say of bounds, for those whose package has no such test: each is filled past its bound.

test('a bounded map holds its capacity, and keeps the entries used last', () => {
  const map = boundedMap<string, number>(1000)
  for (let i = 0; i < 10_000; i++) {
    map.set(String(i), i)
    map.get('0')
  }
  const held = Array.from({ length: 10_000 }, (_, i) => map.get(String(i))).filter(value => value !== undefined)
  expect(held).toHaveLength(1000)
  expect(map.get('0')).toBe(0)
})

test('answers to codes are kept by their bytes, and those that had their minute go first', async () => {
  let now = 0
  const repeats = createRepeats(() => now)
  let made = 0
  const answer = { auth_token: 'x'.repeat(6000), expires_in: 600 }
  const ask = (key: number) =>
    repeats.answer(String(key), async () => {
      made++
      return answer
    })
  for (let key = 0; key < 5000; key++) await ask(key)
  expect((await ask(4999)).kind).toBe('repeat')
  // 32 MiB by 8 KiB: 4096 are kept.
  expect((await ask(5000 - 4096)).kind).toBe('repeat')
  expect((await ask(0)).kind).toBe('first')
  expect(made).toBe(5001)
  now = 61
  expect((await ask(4999)).kind).toBe('first')
})

test('proven names of one domain are evicted before those of other domains', () => {
  const evicted: string[] = []
  const cache = boundedCache<string>({
    maxEntries: 1000,
    maxBytes: 10_000_000,
    shareOf: name => name.split('.').slice(-2).join('.'),
    onEvict: name => evicted.push(name),
  })
  const meet = (name: string): void => {
    cache.set(name, name)
    cache.weigh(name, name, { part: 'metadata', bytes: 1000 })
    cache.markProven(name, name)
  }
  for (let i = 0; i < 100; i++) meet(`agent.honest${i}.example`)
  for (let i = 0; i < 20_000; i++) meet(`n${i}.evil.example`)
  expect(evicted.length).toBe(20_100 - 1000)
  expect(evicted.filter(name => name.includes('honest'))).toEqual([])
  for (let i = 0; i < 100; i++) expect(cache.get(`agent.honest${i}.example`)).toBeDefined()
  // By bytes as well.
  for (let i = 0; i < 2000; i++) {
    const name = `heavy${i}.evil.example`
    meet(name)
    cache.weigh(name, name, { part: 'jwks', bytes: 15_000 })
  }
  for (let i = 0; i < 100; i++) expect(cache.get(`agent.honest${i}.example`)).toBeDefined()
})

test('questions of a server to its client are bounded, by number and by their ids', () => {
  const questions = openQuestions<object>()
  const session = {}
  const ask = (id: string | number) => questions.ask({ jsonrpc: '2.0', id, method: 'ping' }, session)
  const passed = Array.from({ length: 5000 }, (_, id) => ask(id)).filter(one => one !== undefined)
  expect(passed).toHaveLength(1000)
  questions.answer({ jsonrpc: '2.0', id: 0, result: {} }, session)
  expect(ask('x'.repeat(257))).toBeUndefined()
  expect(ask('x'.repeat(256))).toBeDefined()
})

test('keys of limits are bounded by number, and long ones take no more than short ones', async () => {
  const counter = memoryCounter({ capacity: 1000 })
  const rate = { count: 1, seconds: 3600 }
  const before = process.memoryUsage().heapUsed
  for (let i = 0; i < 5000; i++) await counter.take(`${i} ${'x'.repeat(20_000)}`, rate)
  expect(counter.size).toBe(1000)
  expect((await counter.take(`4999 ${'x'.repeat(20_000)}`, rate)).within).toBe(false)
  expect((await counter.take(`4999 ${'x'.repeat(19_999)}y`, rate)).within).toBe(true)
  // Of the keys themselves it would be 20 MB.
  expect(process.memoryUsage().heapUsed - before).toBeLessThan(200_000_000)
})

test('counts that are spent are bounded', () => {
  const spent = spentCounts()
  const bucket = (key: string) => ({ name: 'identified' as const, key, rate: { count: 1, seconds: 60 } })
  const count = { within: false, remaining: 0, seconds: 60 }
  for (let i = 0; i < 30_000; i++) spent.add({ bucket: bucket(String(i)), count })
  const held = Array.from({ length: 30_000 }, (_, i) => spent.find([bucket(String(i))])).filter(Boolean)
  expect(held).toHaveLength(10_000)
})

test('a rate limit by name remembers 10 000 names, and those that were used last', () => {
  const limit = rateLimit({ most: 1, seconds: 60, now: () => 0 })
  for (let i = 0; i < 30_000; i++) limit.take(String(i))
  const held = Array.from({ length: 30_000 }, (_, i) => isSpent(limit, String(i))).filter(Boolean)
  expect(held).toHaveLength(10_000)
})

function isSpent(limit: ReturnType<typeof rateLimit>, name: string): boolean {
  try {
    limit.check(name)
    return false
  } catch {
    return true
  }
}

test(verifies('DOS-08', 'questions to users are bounded for a site, by number and by bytes'), async () => {
  const question = (agent: string, n: number, purpose = ''): InteractionSession => ({
    id: `id ${agent} ${n}`,
    agent,
    principal: JSON.stringify([agent, n]),
    expires: 600,
    asking: { agent, scope: purpose } as never,
    pending: { state: `state ${agent} ${n}` } as never,
  })
  const sessions = memoryInteractions(() => 0, { capacity: 100, perAgent: 5 })
  const add = async (agent: string, n: number, purpose?: string): Promise<boolean> =>
    sessions.add(question(agent, n, purpose)).then(
      () => true,
      () => false,
    )
  const outcomes: boolean[] = []
  for (let n = 0; n < 60; n++) outcomes.push(await add(`https://a${n % 10}.evil.example`, n))
  expect(outcomes.filter(Boolean)).toHaveLength(10)
  expect(await add('https://agent.honest.example', 0)).toBe(true)
  const heavy = memoryInteractions(() => 0, { capacity: 1000, maxBytes: 100_000 })
  let taken = 0
  for (let n = 0; n < 1000; n++)
    await heavy.add(question(`https://agent.h${n}.example`, n, 'x'.repeat(5000))).then(
      () => taken++,
      () => undefined,
    )
  expect(taken).toBeGreaterThan(5)
  expect(taken).toBeLessThan(15)
})

test('requests of one MCP session that no handler answers are bounded', async () => {
  const world = await makeWorld()
  const resource = world.calendar()
  const guarded = guardMcp(
    () => {
      const server = new McpServer({ name: 'slow', version: '1' })
      server.registerTool('hang', {}, () => new Promise(() => undefined))
      return server
    },
    resource,
    { session: { level: 'pseudonymous' }, tools: { hang: { level: 'pseudonymous' } } },
  )
  const as = asKey(await generateSigningKey())
  const send = async (body: object, session?: string) => {
    const headers: Array<[string, string]> = [['accept', 'application/json, text/event-stream']]
    if (session !== undefined) headers.push(['mcp-session-id', session])
    const wire = await world.request({
      as,
      target: '/mcp',
      method: 'POST',
      body: JSON.stringify(body),
      contentType: 'application/json',
      headers,
      additionalComponents: session === undefined ? [] : ['mcp-session-id'],
    })
    return guarded.handle(wire)
  }
  const params = { protocolVersion: '2025-06-18', capabilities: {}, clientInfo: { name: 'c', version: '1' } }
  const opened = await send({ jsonrpc: '2.0', id: 'hello', method: 'initialize', params })
  const session = opened.headers.get('mcp-session-id') ?? ''
  await opened.text()
  const call = (id: number) => send({ jsonrpc: '2.0', id, method: 'tools/call', params: { name: 'hang' } }, session)
  const statuses: number[] = []
  for (let id = 0; id < 1010; id++) statuses.push((await call(id)).status)
  expect(statuses.filter(status => status === 200)).toHaveLength(1000)
  expect(statuses.slice(-10)).toEqual(Array(10).fill(503))
  await guarded.close?.()
}, 60_000)
