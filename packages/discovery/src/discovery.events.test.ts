import { generateSigningKey } from '@countersign/httpsig'
import { AAuthError } from '@countersign/protocol'
import { beforeEach, expect, test } from 'vitest'
import type { DiscoveryEvent } from './index.js'
import { discoveryOf, publish, published, urlsOf, type Web, web } from './web.test.fixture.js'

const id = 'https://agent.example'
const urls = urlsOf(id)
const k1 = await generateSigningKey()
const about = { document: 'aauth-agent', id }
const fetched = (url: string, outcome = 'ok', status = 200) => ({ type: 'fetch', url, outcome, status, seconds: 0 })
const miss = (part: string) => ({ type: 'miss', ...about, part })
const unfetched = (url: string, outcome: string) => ({ type: 'fetch', url, outcome, seconds: 0 })

let on: Web
let events: DiscoveryEvent[]
beforeEach(() => {
  on = web()
  publish(on, id, [published('k1', k1)])
  events = []
})
const listening = () => discoveryOf(on, { onEvent: event => events.push(event) })
const told = () => events.splice(0)

test('fetches, misses and hits, by part', async () => {
  const discovery = listening()
  await discovery.key('aauth-agent', id, 'k1')
  expect(told()).toEqual([fetched(urls.metadata), miss('metadata'), fetched(urls.jwks), miss('jwks')])
  await discovery.key('aauth-agent', id, 'k1')
  expect(told()).toEqual([
    { type: 'hit', ...about, part: 'metadata' },
    { type: 'hit', ...about, part: 'jwks' },
  ])
})

test('fetches that end with another status, with a refusal of the guard, and without a response', async () => {
  const discovery = listening()
  const { metadata } = urls
  on.answers.set(metadata, { status: 404 })
  await discovery.agent(id).catch(() => undefined)
  await discovery.agent(id).catch(() => undefined)
  expect(told()).toEqual([
    fetched(metadata, 'status', 404),
    miss('metadata'),
    { type: 'refused', ...about, reason: 'failed' },
  ])
  on.clock += 6
  on.answers.set(metadata, new AAuthError('discovery_failed', 'refused', { reason: 'address_not_allowed' }))
  await discovery.agent(id).catch(() => undefined)
  on.clock += 6
  on.answers.set(metadata, new Error('down'))
  await discovery.agent(id).catch(() => undefined)
  expect(told()).toEqual([
    unfetched(metadata, 'refused'),
    miss('metadata'),
    unfetched(metadata, 'unreachable'),
    miss('metadata'),
  ])
})

test('a stale document, and a key set fetched early', async () => {
  const discovery = listening()
  await discovery.key('aauth-agent', id, 'k1')
  on.clock += 31
  told()
  await discovery.key('aauth-agent', id, 'other')
  expect(told()).toEqual([
    { type: 'hit', ...about, part: 'metadata' },
    { type: 'hit', ...about, part: 'jwks' },
    { type: 'kid_refetch', ...about },
    fetched(urls.jwks),
  ])
  on.answers.set(urls.metadata, new Error('down'))
  on.clock += 301
  await discovery.agent(id)
  await discovery.agent(id)
  const stale = { type: 'stale', ...about, part: 'metadata' }
  expect(told()).toEqual([unfetched(urls.metadata, 'unreachable'), stale, stale])
})

test('refusals without a fetch: a malformed identifier, whose text is left out, and a spent budget', async () => {
  const discovery = listening()
  await discovery.agent('https://secret@agent.example').catch(() => undefined)
  await discovery
    .limited(0)
    .agent(id)
    .catch(() => undefined)
  expect(told()).toEqual([
    { type: 'refused', document: 'aauth-agent', reason: 'identifier' },
    { type: 'refused', ...about, reason: 'budget' },
  ])
})

test('a refusal because too many fetches are under way', async () => {
  on.delay = 10
  const discovery = discoveryOf(on, { maxConcurrent: 1, onEvent: event => events.push(event) })
  const names = Array.from({ length: 6 }, (_, i) => `https://a${i}.example`)
  await Promise.allSettled(names.map(each => discovery.agent(each)))
  expect(told().filter(event => event.type === 'refused')).toEqual([
    { type: 'refused', document: 'aauth-agent', id: 'https://a5.example', reason: 'busy' },
  ])
})

test('an evicted entry, and a purged one', async () => {
  const discovery = discoveryOf(on, { maxEntries: 1, onEvent: event => events.push(event) })
  await discovery.agent(id)
  await discovery.agent('https://other.example').catch(() => undefined)
  discovery.purge('https://other.example')
  expect(told().filter(event => event.type !== 'fetch' && event.type !== 'miss')).toEqual([
    { type: 'evicted', ...about },
    { type: 'purged', id: 'https://other.example' },
  ])
})

test('each caller that waits for a shared fetch counts as a miss', async () => {
  const discovery = listening()
  await Promise.all([discovery.agent(id), discovery.agent(id), discovery.agent(id)])
  expect(told()).toEqual([fetched(urls.metadata), miss('metadata'), miss('metadata'), miss('metadata')])
})

test('a listener that throws changes no result', async () => {
  const discovery = discoveryOf(on, {
    onEvent: () => {
      throw new Error('the metrics are broken')
    },
  })
  expect(await discovery.key('aauth-agent', id, 'k1')).toBeDefined()
  expect(await discovery.key('aauth-agent', id, 'k1')).toBeDefined()
})
