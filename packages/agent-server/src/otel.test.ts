import { generateSigningKey } from '@countersign/httpsig'
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics'
import { expect, onTestFinished, test } from 'vitest'
import { enrolled, enrollmentBody, post, renewal, scene } from './delegate.test.fixture.js'
import { openTelemetry } from './otel.js'

test('tokens, delegates, refusals and times are counted, with values of closed sets only', async () => {
  const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE)
  const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 3_600_000 })
  onTestFinished(() => reader.shutdown())
  const stage = await scene({
    telemetry: openTelemetry({ meterProvider: new MeterProvider({ readers: [reader] }) }),
  })
  const phone = await enrolled(stage, 'phone')
  expect((await stage.server.handle(await renewal(stage, phone))).status).toBe(200)
  for (let index = 0; index < 20; index++) {
    const wrong = { key: await generateSigningKey(), body: enrollmentBody(`wrong-code-${index}`) }
    expect((await stage.server.handle(await post(stage, wrong))).status).toBe(400)
  }
  await stage.server.handle({ method: 'GET', target: '/.well-known/jwks.json', headers: [['host', 'agent.example']] })
  await stage.server.revoke('phone')
  await reader.forceFlush()
  const metrics = exporter.getMetrics().flatMap(({ scopeMetrics }) => scopeMetrics.flatMap(one => one.metrics))
  const points = Object.fromEntries(
    metrics.map(({ descriptor, dataPoints }) => [
      descriptor.name,
      dataPoints.map(({ attributes, value }) => [attributes, typeof value === 'number' ? value : value.count]),
    ]),
  )
  expect(points).toEqual({
    'aauth.tokens': [
      [{ 'aauth.flow': 'enrollment' }, 1],
      [{ 'aauth.flow': 'renewal' }, 1],
    ],
    'aauth.delegates': [
      [{ 'aauth.change': 'invited' }, 1],
      [{ 'aauth.change': 'enrolled' }, 1],
      [{ 'aauth.change': 'revoked' }, 1],
    ],
    'aauth.refusals': [[{ 'aauth.error': 'invalid_grant', 'aauth.reason': 'enrolment_code_invalid' }, 20]],
    'aauth.request.duration': [
      [{ 'aauth.endpoint': 'delegate_token', 'aauth.status': '2xx' }, 2],
      [{ 'aauth.endpoint': 'delegate_token', 'aauth.status': '4xx' }, 20],
      [{ 'aauth.endpoint': 'delegate_token', 'aauth.status': '5xx' }, 0],
      [{ 'aauth.endpoint': 'document', 'aauth.status': '2xx' }, 1],
    ],
    'aauth.alarms': [
      [{ 'aauth.reason': 'replaced-key' }, 0],
      [{ 'aauth.reason': 'issuer-garbage' }, 0],
      [{ 'aauth.reason': 'epoch-lost' }, 0],
      [{ 'aauth.reason': 'audit-failing' }, 0],
      [{ 'aauth.reason': 'audit-changed' }, 0],
    ],
    'aauth.store.writes.waiting': [[{}, 0]],
  })
  await stage.server.close()
})

test('unknown options are refused', async () => {
  expect(() => openTelemetry({ meter: {} } as object)).toThrow(/meter/)
  await expect(scene({ telemetry: true as never })).rejects.toThrow(/telemetry/)
})
