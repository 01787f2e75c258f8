import type { ChildProcess } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { createServer, type RequestListener, type Server } from 'node:http'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { verifies } from '@countersign/requirements'
import { freePort } from '@countersign/testing/ports'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Stand, stand } from './processes.fixture.js'
import { siteAgent } from './site-agent.fixture.js'

// As an operator does it: an SDK registered by --import, limits by site in a file, and a gateway without other settings.

let place: Stand
let id: string
let gateway: ChildProcess
const servers: Server[] = []

const { resolve } = createRequire(import.meta.url)
const from = (name: string): string => pathToFileURL(resolve(`@opentelemetry/${name}`)).href

/** Registers an SDK that keeps everything in memory, and prints it when it is asked to. */
const sdk = `
import { metrics, trace } from '${from('api')}'
import { InMemoryMetricExporter, MeterProvider, PeriodicExportingMetricReader } from '${from('sdk-metrics')}'
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from '${from('sdk-trace-base')}'
const spans = new InMemorySpanExporter()
trace.setGlobalTracerProvider(new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(spans)] }))
const exporter = new InMemoryMetricExporter(1)
const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 3_600_000 })
metrics.setGlobalMeterProvider(new MeterProvider({ readers: [reader] }))
process.on('SIGUSR2', async () => {
  await reader.forceFlush()
  const all = exporter.getMetrics().at(-1).scopeMetrics.flatMap(({ metrics }) => metrics)
  console.log('telemetry ' + JSON.stringify({
    spans: spans.getFinishedSpans().map(({ name, attributes }) => ({ name, ...attributes })),
    metrics: Object.fromEntries(
      all.map(({ descriptor, dataPoints }) => [descriptor.name, dataPoints.map(({ attributes }) => attributes)]),
    ),
  }))
})
`

interface Told {
  readonly spans: ReadonlyArray<Readonly<Record<string, unknown>>>
  readonly metrics: Readonly<Record<string, ReadonlyArray<Readonly<Record<string, unknown>>>>>
}

/** What the process has recorded so far. */
function told(): Promise<Told> {
  return new Promise(resolve => {
    let said = ''
    const listen = (chunk: unknown): void => {
      said += String(chunk)
      const [, json] = /^telemetry (.*)$/m.exec(said) ?? []
      if (json === undefined || !said.endsWith('\n')) return
      gateway.stdout?.off('data', listen)
      resolve(JSON.parse(json) as Told)
    }
    gateway.stdout?.on('data', listen)
    gateway.kill('SIGUSR2')
  })
}

async function serving(listener: RequestListener, port = 0): Promise<number> {
  const server = createServer(listener)
  servers.push(server)
  await new Promise<void>(resolve => server.listen(port, 'localhost', resolve))
  const address = server.address()
  return typeof address === 'object' && address !== null ? address.port : 0
}

beforeAll(async () => {
  place = stand()
  const upstream = `http://localhost:${await serving((_, response) => response.end('ok'))}`
  const port = await freePort()
  id = `http://localhost:${port}`
  const registered = join(place.folder, 'sdk.mjs')
  writeFileSync(registered, sdk)
  const config = join(place.folder, 'gateway.json')
  writeFileSync(config, JSON.stringify({ id, port, upstream, limits: { site: '2/hour' } }))
  const flags = ['gateway', '--config', config, '--data', join(place.folder, 'gateway'), '--development']
  gateway = await place.start('gateway', flags, { env: { NODE_OPTIONS: `--import=${pathToFileURL(registered).href}` } })
})

afterAll(async () => {
  for (const server of servers) server.close()
  await place.stop()
})

/** A new agent on this machine, at a port of its own, that has made one request: its identifier and the answer's status. */
async function asked(): Promise<{ readonly agent: string; readonly status: number; readonly policy: string }> {
  const agent = await siteAgent()
  const { status, headers } = await agent.fetch(`${id}/orders`)
  return { agent: (await agent.identify()).agent, status, policy: headers.get('ratelimit-policy') ?? '' }
}

test(verifies('RAT-07', 'the gateway limits and measures: agents of one site share a budget'), async () => {
  expect((await fetch(`${id}/orders?code=secret`)).status).toBe(401)
  const [first, second, third] = [await asked(), await asked(), await asked()]
  expect([first.status, second.status, third.status]).toEqual([200, 200, 429])
  expect(first.policy).toBe('"site";q=2;w=3600')

  const { spans, metrics } = await told()
  const route = { name: 'aauth.authorize', 'aauth.route.name': '/*', 'aauth.route.level': 'identified' }
  const unsigned = { 'aauth.outcome': 'refused', 'aauth.error': 'invalid_signature', 'aauth.ask': 'identity' }
  expect(spans[0]).toMatchObject({ ...route, ...unsigned, 'aauth.level': 'anonymous' })
  const identified = { ...route, 'aauth.level': 'identified', 'aauth.credential': 'aauth' }
  expect(spans.filter(span => 'aauth.agent' in span)).toMatchObject([
    { ...identified, 'aauth.outcome': 'passed', 'aauth.agent': first.agent },
    { ...identified, 'aauth.outcome': 'passed', 'aauth.agent': second.agent },
    { ...identified, 'aauth.outcome': 'refused', 'aauth.error': 'rate_limited', 'aauth.agent': third.agent },
  ])
  expect(metrics).toMatchObject({
    'aauth.decisions': [
      { 'aauth.outcome': 'failed' },
      { 'aauth.level': 'anonymous' },
      { 'aauth.outcome': 'passed' },
      { 'aauth.error': 'rate_limited' },
    ],
    'aauth.discovery.fetch.duration': expect.arrayContaining([{ 'aauth.fetch.outcome': 'ok' }]),
    'aauth.cache.lookups': expect.arrayContaining([{ 'aauth.cache.name': 'jwks', 'aauth.cache.result': 'miss' }]),
  })
  expect(JSON.stringify([spans, metrics])).not.toContain('secret')
  expect(JSON.stringify(metrics)).not.toContain('localhost')
})
