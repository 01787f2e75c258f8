import { readdirSync, readFileSync } from 'node:fs'
import { generateSigningKey, type ReceivedMessage } from '@countersign/httpsig'
import { AAuthError } from '@countersign/protocol'
import { verifies } from '@countersign/requirements'
import { asAgent, asHolder, asKey } from '@countersign/testing/world/signer'
import { context, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics'
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { bearer, createResource, type Requirement, type ResourceOptions, type Telemetry } from '../index.js'
import { makeWorld, type World } from '../world.test.fixture.js'
import { openTelemetry } from './otel.js'

let world: World
beforeAll(async () => {
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable())
  world = await makeWorld()
})
afterAll(() => context.disable())

type Scopes = 'events.read' | 'events.write'
type Options = Partial<ResourceOptions<Scopes>>

/** One point of a metric: its attributes and its value, or how often something took its time. */
type Point = readonly [attributes: object, value: number]

/** The decisions that failed, which an alert names: there before the first. */
const noneFailed: Point = [{ 'aauth.outcome': 'failed' }, 0]

/** A calendar measured by the SDK itself, with its spans and metrics. */
function measured(requirement: Requirement<Scopes>, options: Options = {}) {
  const spans = new InMemorySpanExporter()
  const tracerProvider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(spans)] })
  const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE)
  const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 3_600_000 })
  const telemetry = openTelemetry({ tracerProvider, meterProvider: new MeterProvider({ readers: [reader] }) })
  const resource = world.calendar({ telemetry, ...options })
  const declared = resource.declare({ name: '/events', ...requirement })
  const exported = async () => {
    exporter.reset()
    await reader.forceFlush()
    return exporter.getMetrics().flatMap(({ scopeMetrics }) => scopeMetrics.flatMap(({ metrics }) => metrics))
  }
  return {
    telemetry,
    resource,
    tracer: tracerProvider.getTracer('test'),
    spans: () => spans.getFinishedSpans(),
    exported,
    ask: (message: ReceivedMessage) => resource.authorize(message, declared),
    /** The attributes of the one span, but for how long it took to verify. */
    async attributes(message: ReceivedMessage) {
      spans.reset()
      await resource.authorize(message, declared)
      const [span, ...more] = spans.getFinishedSpans()
      expect(more).toEqual([])
      const { 'aauth.verify.duration': seconds, ...attributes } = span?.attributes ?? {}
      expect(Number(seconds)).toBeGreaterThanOrEqual(0)
      return attributes
    },
    async points(name: string): Promise<Point[]> {
      const found = (await exported()).find(({ descriptor }) => descriptor.name === name)
      return (found?.dataPoints ?? []).map(({ attributes, value }) => [
        attributes,
        typeof value === 'number' ? value : value.count,
      ])
    },
  }
}

const unsigned: ReceivedMessage = { method: 'GET', target: '/', headers: [['host', 'calendar.example']] }
const reads: Requirement<Scopes> = { scope: 'events.read' }
const onEvents = { 'aauth.route.name': '/events', 'aauth.route.level': 'authorized' }

test(verifies('LOG-03', 'each decision is one span with level, outcome, and what the refusal asks for'), async () => {
  const { attributes, spans } = measured(reads)
  const holder = asHolder(world.delegateKey, await world.authToken({ sub: 'alice' }))
  expect(await attributes(await world.request({ as: holder }))).toEqual({
    ...onEvents,
    'aauth.outcome': 'passed',
    'aauth.level': 'authorized',
    'aauth.credential': 'aauth',
    'aauth.agent': 'https://agent.example',
  })
  expect(spans()).toMatchObject([
    {
      name: 'aauth.authorize',
      kind: SpanKind.INTERNAL,
      status: { code: SpanStatusCode.UNSET },
      instrumentationScope: { name: '@countersign/resource' },
    },
  ])
  expect(await attributes(await world.request({ as: asAgent(world.agent) }))).toEqual({
    ...onEvents,
    'aauth.outcome': 'refused',
    'aauth.error': 'insufficient_level',
    'aauth.reason': 'level_insufficient',
    'aauth.ask': 'authorization',
    'aauth.level': 'identified',
    'aauth.credential': 'aauth',
    'aauth.agent': 'https://agent.example',
  })
  expect(spans()[0]?.status.code).toBe(SpanStatusCode.UNSET)
  expect(await attributes(unsigned)).toEqual({
    ...onEvents,
    'aauth.outcome': 'refused',
    'aauth.error': 'invalid_signature',
    'aauth.reason': 'signature_missing',
    'aauth.ask': 'identity',
    'aauth.level': 'anonymous',
  })
})

test('what would have been refused says that it was only observed', async () => {
  const { attributes, points } = measured(reads, { observe: true })
  const observed = { 'aauth.observed': true, 'aauth.outcome': 'refused' }
  const refused = { 'aauth.error': 'insufficient_level', 'aauth.reason': 'level_insufficient' }
  const told = { ...observed, ...refused, 'aauth.level': 'pseudonymous', 'aauth.credential': 'aauth' }
  expect(await attributes(await world.request({ as: asKey(await generateSigningKey()) }))).toEqual({
    ...onEvents,
    ...told,
    'aauth.ask': 'identity',
  })
  expect(await points('aauth.decisions')).toEqual([noneFailed, [told, 1]])
})

test('what an adapter refuses by itself is counted, without a span: no route was asked, and nothing verified', async () => {
  const { resource, spans, points } = measured(reads)
  resource.refused(
    unsigned,
    new AAuthError('invalid_request', 'there is nothing here', { reason: 'path_unknown', status: 404 }),
  )
  expect(await points('aauth.decisions')).toEqual([
    noneFailed,
    [{ 'aauth.outcome': 'refused', 'aauth.error': 'invalid_request', 'aauth.reason': 'path_unknown' }, 1],
  ])
  expect(await points('aauth.decision.duration')).toEqual([])
  expect(spans()).toEqual([])
})

test('a span says whether a bearer token or a signature was verified', async () => {
  const alsoAccept = bearer(async () => ({
    user: { iss: 'https://old.example', sub: 'alice' },
    scope: ['events.read'],
  }))
  const { attributes } = measured({ ...reads, alsoAccept })
  const headers = [...unsigned.headers, ['authorization', 'Bearer opaque']] as const
  expect(await attributes({ ...unsigned, headers })).toEqual({
    ...onEvents,
    'aauth.outcome': 'passed',
    'aauth.level': 'anonymous',
    'aauth.credential': 'bearer',
  })
})

test('a dependency that is not available is an error of the span, a refusal is not', async () => {
  const counter = { take: async () => Promise.reject(new Error('connection refused')) }
  const { attributes, spans } = measured({ level: 'anonymous', limits: { anonymous: '1/min' } }, { counter })
  expect(await attributes(unsigned)).toMatchObject({
    'aauth.error': 'temporarily_unavailable',
    'aauth.reason': 'store_unavailable',
  })
  expect(spans()[0]?.status.code).toBe(SpanStatusCode.ERROR)
})

test('a span is a child of the active span, and the parent of what the decision calls', async () => {
  const { ask, spans, tracer } = measured({
    level: 'anonymous',
    policy: async () => {
      tracer.startSpan('policy').end()
      return true
    },
  })
  const outer = tracer.startSpan('request')
  await context.with(trace.setSpan(context.active(), outer), async () => {
    await ask(unsigned)
    tracer.startSpan('handler').end()
  })
  const [policy, decision, handler] = spans()
  expect([policy?.name, decision?.name, handler?.name]).toEqual(['policy', 'aauth.authorize', 'handler'])
  expect(decision?.parentSpanContext?.spanId).toBe(outer.spanContext().spanId)
  expect(policy?.parentSpanContext?.spanId).toBe(decision?.spanContext().spanId)
  expect(handler?.parentSpanContext?.spanId).toBe(outer.spanContext().spanId)
  await ask(unsigned)
  expect(spans().at(-1)?.parentSpanContext).toBeUndefined()
})

test(verifies('LOG-02', 'LOG-04', 'spans and metrics hold nothing that a request only claims'), async () => {
  const { ask, spans, exported } = measured(reads)
  const victim = 'https://agent.example'
  const thief = { ...world.agent, key: await generateSigningKey() }
  const forged = await world.agentToken({ sub: 'victims-phone' }, thief)
  const strange = await world.authToken({ sub: 'victim-user' }, world.strangeServer)
  const stolen = await world.authToken({ sub: 'victim-user', txn: 'journey-1' })
  const key = await generateSigningKey()
  const more = {
    target: '/secret-path?code=secret-query',
    headers: [
      ['aauth-agent', victim],
      ['x-request-id', 'secret-id'],
      ['authorization', 'Bearer secret-bearer'],
      ['user-agent', 'secret-user-agent'],
    ] as const,
  }
  for (const as of [asAgent(thief), asHolder(key, forged), asHolder(key, strange), asHolder(key, stolen), asKey(key)])
    await ask({ ...(await world.request({ as, ...more })), requestId: 'secret-request-id', peer: '192.0.2.77' })
  await ask({ ...unsigned, ...more, headers: [...unsigned.headers, ...more.headers], method: 'SECRETMETHOD' })
  expect(spans().map(({ attributes }) => attributes['aauth.outcome'])).toEqual(Array(6).fill('refused'))
  const told = JSON.stringify([
    spans().map(({ name, attributes, events, status, links }) => [name, attributes, events, status, links]),
    (await exported()).map(({ dataPoints }) => dataPoints.map(({ attributes }) => attributes)),
  ])
  expect(told).not.toMatch(
    /agent\.example|other\.example|strange\.example|victim|secret|journey|192\.0|k1|eyJ|https?:/i,
  )
  for (const secret of [key.publicJwk, thief.key.publicJwk]) expect(told).not.toContain(Object(secret).x)

  // The twin: the same identifier, verified; and of metrics it is no part even then.
  await ask(await world.request({ as: asAgent(world.agent), ...more }))
  expect(spans().at(-1)?.attributes['aauth.agent']).toBe(victim)
  expect(JSON.stringify(spans().at(-1)?.attributes)).not.toMatch(/secret|k1/)
  const labels = (await exported()).map(({ dataPoints }) => dataPoints.map(({ attributes }) => attributes))
  expect(JSON.stringify(labels)).not.toContain('agent.example')
})

test('decisions are counted and timed, by level and outcome', async () => {
  const { ask, points, exported } = measured(reads)
  const holder = asHolder(world.delegateKey, await world.authToken())
  for (let n = 0; n < 3; n++) await ask(await world.request({ as: holder }))
  for (let n = 0; n < 2; n++) await ask(unsigned)
  await ask({ ...(await world.request({ as: holder })), target: '/other' })
  const passed = { 'aauth.outcome': 'passed', 'aauth.level': 'authorized' }
  const anonymous = { 'aauth.outcome': 'refused', 'aauth.level': 'anonymous' }
  expect(await points('aauth.decisions')).toEqual([
    noneFailed,
    [{ ...passed, 'aauth.credential': 'aauth' }, 3],
    [{ ...anonymous, 'aauth.error': 'invalid_signature', 'aauth.reason': 'signature_missing' }, 2],
    [{ 'aauth.outcome': 'refused', 'aauth.error': 'invalid_signature', 'aauth.reason': 'signature_wrong' }, 1],
  ])
  expect(await points('aauth.decision.duration')).toEqual([
    [passed, 3],
    [anonymous, 2],
    [{ 'aauth.outcome': 'refused' }, 1],
  ])
  expect(await points('aauth.verify.duration')).toEqual([
    [{ 'aauth.level': 'authorized' }, 3],
    [{ 'aauth.level': 'anonymous' }, 2],
    [{}, 1],
  ])
  const all = await exported()
  const sums = all
    .filter(({ descriptor }) => /^aauth\.(?:decision|verify)\.duration$/.test(descriptor.name))
    .map(({ descriptor, dataPoints }) => {
      const [{ sum, buckets }] = dataPoints.map(({ value }) => Object(value))
      expect([descriptor.unit, buckets.boundaries[0], buckets.boundaries.at(-1)]).toEqual(['s', 0.00005, 10])
      return sum as number
    })
  expect(sums).toHaveLength(2)
  expect(sums.every(sum => sum > 0 && sum < 20)).toBe(true)
  expect((sums[1] ?? 0) <= (sums[0] ?? 0)).toBe(true)
})

test('lookups in memory are counted, those of a discovery of one’s own as well', async () => {
  const { ask, points, telemetry } = measured(reads)
  const holder = asHolder(world.delegateKey, await world.authToken())
  for (let n = 0; n < 3; n++) await ask(await world.request({ as: holder }))
  const of = (name: string, result: string) => ({ 'aauth.cache.name': name, 'aauth.cache.result': result })
  expect(await points('aauth.cache.lookups')).toEqual([
    [of('token', 'miss'), 1],
    [of('token', 'hit'), 2],
  ])
  const about = { document: 'aauth-agent', id: 'https://agent.example', part: 'jwks' } as const
  for (const type of ['hit', 'stale', 'miss', 'hit'] as const) telemetry.discovery({ type, ...about })
  telemetry.discovery({ type: 'fetch', url: 'https://agent.example/jwks.json', outcome: 'unreachable', seconds: 5 })
  telemetry.discovery({ type: 'refused', reason: 'busy' })
  expect((await points('aauth.cache.lookups')).slice(2)).toEqual([
    [of('jwks', 'hit'), 2],
    [of('jwks', 'stale'), 1],
    [of('jwks', 'miss'), 1],
  ])
  expect(await points('aauth.discovery.fetch.duration')).toEqual([
    [{ 'aauth.fetch.outcome': 'ok' }, 0],
    [{ 'aauth.fetch.outcome': 'status' }, 0],
    [{ 'aauth.fetch.outcome': 'refused' }, 0],
    [{ 'aauth.fetch.outcome': 'unreachable' }, 1],
    [{ 'aauth.fetch.outcome': 'busy' }, 0],
  ])
})

test('the discovery that a resource makes for itself is measured', async () => {
  const told: string[] = []
  const telemetry: Telemetry = {
    begin: () => ({ end() {} }),
    token() {},
    discovery: ({ type }) => void told.push(type),
  }
  const { now } = world.clock
  const resource = createResource({
    id: 'https://calendar.example',
    keys: [world.calendarKey],
    telemetry,
    now: () => now,
  })
  // Refused before anything is asked on a network.
  const nowhere = { ...world.agent, id: 'https://agent.internal' }
  await resource.authorize(await world.request({ as: asAgent(nowhere) }), { level: 'identified' })
  expect(told).toEqual(['fetch', 'miss'])
})

test('no stranger makes series of a metric', async () => {
  const { ask, exported } = measured({ ...reads, limits: { anonymous: '9/hour', pseudonymous: '9/hour' } })
  const series = async () => (await exported()).reduce((sum, { dataPoints }) => sum + dataPoints.length, 0)
  const flood = async (from: number) => {
    for (let n = from; n < from + 12; n++) {
      const key = await generateSigningKey()
      const stranger = { ...world.agent, id: `https://a${n}.example`, kid: `k${n}`, key }
      const claims = { sub: `d${n}`, agent: `https://a${n}.example`, scope: `scope.${n}`, txn: `t${n}` }
      await ask(await world.request({ as: asKey(key), target: `/${n}?${n}`, method: `M${n}` }))
      await ask(await world.request({ as: asAgent(stranger) }))
      await ask(await world.request({ as: asHolder(world.delegateKey, await world.authToken(claims)) }))
      await ask({ ...unsigned, peer: `192.0.2.${n}` })
    }
  }
  await flood(0)
  const after = await series()
  await flood(12)
  expect(await series()).toBe(after)
  expect(after).toBeLessThan(30)
})

test('a measurement that throws changes no decision', async () => {
  const broken = (): never => {
    throw new Error('the metrics are broken')
  }
  const quiet = { begin: () => ({ end() {} }), token() {}, discovery() {} }
  const ways: Telemetry[] = [
    { ...quiet, begin: broken },
    { ...quiet, begin: () => ({ within: broken, end: broken }) },
    {
      ...quiet,
      begin: () => ({
        within(decide) {
          decide()
          decide()
          broken()
        },
        end: broken,
      }),
    },
    { ...quiet, begin: () => ({ within() {}, end() {} }) },
    { ...quiet, begin: () => undefined as never },
    { ...quiet, token: broken, discovery: broken },
  ]
  const as = asHolder(world.delegateKey, await world.authToken())
  for (const telemetry of ways) {
    const { ask } = measured({ ...reads, replay: 'all' }, { telemetry })
    // Were it decided twice, the second would be a replay of the first.
    expect((await ask(await world.request({ as }))).ok).toBe(true)
    expect((await ask(unsigned)).ok).toBe(false)
  }
})

test('without an SDK nothing is measured and requests are decided as ever', async () => {
  const { ask } = measured(reads, { telemetry: openTelemetry() })
  expect((await ask(await world.request({ as: asHolder(world.delegateKey, await world.authToken()) }))).ok).toBe(true)
  expect((await ask(unsigned)).ok).toBe(false)
})

test('only the subpath knows OpenTelemetry', () => {
  const folder = new URL('.', import.meta.url)
  const importers = readdirSync(folder, { recursive: true })
    .map(String)
    .filter(file => /(?<!\.test)\.ts$/.test(file))
    .filter(file =>
      /opentelemetry|otel\.js/.test(readFileSync(new URL(file, folder), 'utf8').replace(/\/\*.*?\*\//gs, '')),
    )
  expect(importers).toEqual(['otel.ts'])
})

test('every name is documented, and no other', () => {
  const page = readFileSync(new URL('../../../../docs/telemetry.md', import.meta.url), 'utf8')
  const own = page.slice(page.indexOf('\n## The span\n'), page.indexOf('\n## Metrics of an auth server\n'))
  const code = ['./otel.ts', '../../../discovery/src/metrics.ts'].map(file =>
    readFileSync(new URL(file, import.meta.url), 'utf8'),
  )
  const names = (text: string, pattern: RegExp) => new Set([...text.matchAll(pattern)].map(([, name]) => name))
  expect(names(own, /`(aauth\.[\w.]+)`/g)).toEqual(names(code.join(''), /'(aauth\.[\w.]+)'/g))
})

test('without an SDK a decision is not measured; spans or metrics alone are enough', () => {
  const route = { level: 'anonymous' } as const
  const tracerProvider = new BasicTracerProvider()
  const meterProvider = new MeterProvider()
  expect(openTelemetry().begin(route)).toBeUndefined()
  expect(openTelemetry({ tracerProvider }).begin(route)).toBeDefined()
  expect(openTelemetry({ meterProvider }).begin(route)).toBeDefined()
})
