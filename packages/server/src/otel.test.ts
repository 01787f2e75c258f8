import { request } from 'node:http'
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics'
import { afterEach, expect, onTestFinished, test } from 'vitest'
import { serverMetrics } from './otel.js'
import { closeAll, start } from './serve.test.fixture.js'

afterEach(closeAll)

test('a server says whether it is ready, what it is doing, and what it is', async () => {
  const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE)
  const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 3_600_000 })
  onTestFinished(() => reader.shutdown())
  const database: { up: boolean } = { up: true }
  let now = 1000
  let answer = (): void => undefined
  const held = new Promise<void>(resolve => {
    answer = resolve
  })
  const running = await start(async () => held.then(() => new Response('late')), {
    now: () => now,
    participant: {
      handle: async () => held.then(() => new Response('late')),
      ready: async () => {
        if (!database.up) throw new Error('away')
      },
    },
  })
  let readings = 0
  const end = serverMetrics({
    running: {
      state() {
        readings += 1
        return running.state()
      },
    },
    name: 'hello',
    version: '1.2.3',
    meterProvider: new MeterProvider({ readers: [reader] }),
  })
  const read = async (): Promise<Map<string, unknown>> => {
    exporter.reset()
    await reader.forceFlush()
    const metrics = exporter.getMetrics().flatMap(({ scopeMetrics }) => scopeMetrics.flatMap(one => one.metrics))
    return new Map(metrics.map(({ descriptor, dataPoints }) => [descriptor.name, dataPoints[0]?.value]))
  }
  expect((await read()).get('countersign.server.requests.active')).toBe(0)
  const waiting = new Promise<number | undefined>((resolve, reject) => {
    request(running.url, response => {
      response.resume().once('end', () => resolve(response.statusCode))
    })
      .once('error', reject)
      .end()
  })
  await expect.poll(async () => (await read()).get('countersign.server.requests.active')).toBe(1)
  const busy = await read()
  expect(busy.get('countersign.server.connections')).toBe(1)
  expect(busy.get('countersign.server.ready')).toBe(1)
  expect(busy.get('countersign.build.info')).toBe(1)
  expect(busy.get('process.memory.usage')).toBeGreaterThan(1e7)
  answer()
  expect(await waiting).toBe(200)
  await expect.poll(async () => (await read()).get('countersign.server.requests.active')).toBe(0)
  database.up = false
  now += 2
  expect((await read()).get('countersign.server.ready')).toBe(0)
  await expect.poll(async () => (await read()).get('nodejs.eventloop.delay.max')).toBeGreaterThan(0)
  end()
  const before = readings
  await read()
  expect(readings).toBe(before)
})

test('unknown options are refused', () => {
  expect(() => serverMetrics({ name: 'hello', version: '1' } as never)).toThrow(/running/)
})
