import { operatorOf } from '@countersign/console'
import type { Lies } from '@countersign/testing/auth/authenticator'
import { askUser, browserOf, consentWorld, decide, linkOf, requestTokenOf } from '@countersign/testing/auth/consent'
import { formAt, passkeyWorld } from '@countersign/testing/auth/passkey-world'
import { ask, delegate, granted, send, world } from '@countersign/testing/auth/world'
import { sqliteOfTest } from '@countersign/testing/folders'
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics'
import { expect, onTestFinished, test } from 'vitest'
import { openTelemetry } from './otel.js'

/** One point of a metric: its attributes and its value, or how often something took its time. */
type Point = readonly [attributes: object, value: number]

/** Telemetry that an SDK reads, and the points of a metric. */
function measured() {
  const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE)
  const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 3_600_000 })
  onTestFinished(() => reader.shutdown())
  const read = async (): Promise<Map<string, Point[]>> => {
    exporter.reset()
    await reader.forceFlush()
    const metrics = exporter.getMetrics().flatMap(({ scopeMetrics }) => scopeMetrics.flatMap(one => one.metrics))
    return new Map(
      metrics.map(({ descriptor, dataPoints }) => [
        descriptor.name,
        dataPoints.map(({ attributes, value }) => [attributes, typeof value === 'number' ? value : value.count]),
      ]),
    )
  }
  return {
    telemetry: openTelemetry({ meterProvider: new MeterProvider({ readers: [reader] }) }),
    read,
    points: async (name: string): Promise<Point[]> => (await read()).get(name) ?? [],
  }
}

test('tokens are counted by flow, refusals by code and reason, and answers by endpoint and status', async () => {
  const { telemetry, points } = measured()
  const made = await world({ telemetry })
  const phone = await delegate(made, 'phone')
  const { refresh_token } = await granted(await ask(made, phone))
  expect(await points('aauth.tokens')).toEqual([[{ 'aauth.flow': 'policy' }, 1]])
  expect((await send(made, phone, { request_type: 'refresh', refresh_token })).status).toBe(200)
  await granted(await ask(made, phone))
  expect((await ask(made, await delegate(made, 'tv'))).status).toBe(403)
  expect((await send(made, phone, { request_type: 'nonsense' })).status).toBe(400)
  await made.auth.handle({ method: 'GET', target: '/somewhere/alice?code=x', headers: [['host', 'auth.example']] })
  expect(await points('aauth.tokens')).toEqual([
    [{ 'aauth.flow': 'policy' }, 2],
    [{ 'aauth.flow': 'refresh' }, 1],
  ])
  expect(await points('aauth.refusals')).toEqual([
    [{ 'aauth.error': 'access_denied', 'aauth.reason': 'policy_refused' }, 1],
    [{ 'aauth.error': 'unsupported_request_type', 'aauth.reason': 'request_type_unsupported' }, 1],
  ])
  expect(await points('aauth.request.duration')).toEqual([
    [{ 'aauth.endpoint': 'token', 'aauth.status': '2xx' }, 3],
    [{ 'aauth.endpoint': 'token', 'aauth.status': '4xx' }, 2],
    [{ 'aauth.endpoint': 'token', 'aauth.status': '5xx' }, 0],
    [{ 'aauth.endpoint': 'other', 'aauth.status': '4xx' }, 1],
  ])
})

test('what an alert names is there before its first event, also where no server has opened yet', async () => {
  const { read } = measured()
  const names = ['aauth.alarms', 'aauth.request.duration', 'aauth.discovery.fetch.duration']
  const all = await read()
  expect(names.map(name => all.get(name))).toEqual([
    [
      [{ 'aauth.reason': 'code-reused' }, 0],
      [{ 'aauth.reason': 'passkey-copied' }, 0],
      [{ 'aauth.reason': 'epoch-lost' }, 0],
      [{ 'aauth.reason': 'audit-failing' }, 0],
      [{ 'aauth.reason': 'audit-changed' }, 0],
    ],
    [
      [{ 'aauth.endpoint': 'token', 'aauth.status': '2xx' }, 0],
      [{ 'aauth.endpoint': 'token', 'aauth.status': '4xx' }, 0],
      [{ 'aauth.endpoint': 'token', 'aauth.status': '5xx' }, 0],
    ],
    ['ok', 'status', 'refused', 'unreachable', 'busy'].map(outcome => [{ 'aauth.fetch.outcome': outcome }, 0]),
  ])
})

test('a copied passkey is an alarm, from 0 to 1; its honest use and a wrong origin are none', async () => {
  const { telemetry, points } = measured()
  const at = await passkeyWorld({ database: sqliteOfTest(), telemetry })
  const ada = await at.account('Ada')
  const signIn = async (lies: Lies): Promise<number> => {
    const one = at.visitor()
    const { action, options, fields } = await formAt(one, '/login?return_to=/account')
    return (await one.post(action, { ...fields, credential: ada.passkey.signed(options, lies) })).status
  }
  const copied = async (): Promise<unknown> =>
    (await points('aauth.alarms')).find(([attributes]) => Object(attributes)['aauth.reason'] === 'passkey-copied')?.[1]
  expect([await signIn({ count: 5 }), await signIn({ count: 6, origin: 'https://evil.example' })]).toEqual([303, 400])
  expect(await copied()).toBe(0)
  expect(await signIn({ count: 4 })).toBe(400)
  expect(await copied()).toBe(1)
})

test('grants that the operator of an instance ends are counted', async () => {
  const { telemetry, points } = measured()
  const made = await world({ telemetry, database: sqliteOfTest() })
  const operator = operatorOf(await made.reopen())
  for (const name of ['phone', 'laptop']) await granted(await ask(made, await delegate(made, name)))
  expect(await operator.grants.revoke({ agent: 'https://agent.example', delegate: 'phone' })).toBe(1)
  expect(await points('aauth.grants.ended')).toEqual([[{ 'aauth.by': 'operator' }, 1]])
  await operator.agents.block({ agent: 'https://agent.example' })
  expect(await points('aauth.grants.ended')).toEqual([[{ 'aauth.by': 'operator' }, 2]])
})

test('requests that wait for a user are a gauge, and decisions a counter', async () => {
  const { telemetry, points } = measured()
  const made = await consentWorld({ telemetry })
  const waiting = async (): Promise<unknown> => (await points('aauth.requests.waiting'))[0]?.[1]
  expect(await waiting()).toBe(0)
  const phone = await delegate(made, 'phone')
  const link = linkOf(await requestTokenOf(await askUser(made, phone)))
  expect(await waiting()).toBe(1)
  expect(await points('aauth.requests')).toEqual([[{ 'aauth.flow': 'browser' }, 1]])
  const browser = await browserOf(made, 'ada')
  await decide(browser, link, { decision: 'allow' })
  expect(await points('aauth.consent.decisions')).toEqual([
    [{ 'aauth.decision': 'allowed', 'aauth.by': 'user', 'aauth.flow': 'browser' }, 1],
  ])
  await browser.post('/login/demo', { csrf: 'wrong', subject: 'ada' })
  expect(await points('aauth.sign_ins')).toEqual([
    [{ 'aauth.outcome': 'signed_in' }, 1],
    [{ 'aauth.outcome': 'failed', 'aauth.reason': 'page_not_from_here' }, 1],
  ])
  await made.auth.close()
  expect(await waiting()).toBe(0)
})

test('two hundred strangers make no more series than one', async () => {
  const { telemetry, read } = measured()
  const made = await world({ telemetry })
  const series = async (): Promise<number> => [...(await read()).values()].flat().length
  const stranger = async (index: number): Promise<void> => {
    const phone = await delegate(made, `stranger-${index}`)
    await ask(made, phone)
    await send(made, phone, { request_type: `kind-${index}` })
    await made.auth.handle({ method: `M${index}`, target: `/p${index}`, headers: [['host', `h${index}.example`]] })
  }
  await stranger(0)
  const before = await series()
  for (let index = 1; index < 200; index += 50)
    await Promise.all(Array.from({ length: 50 }, (_, more) => stranger(index + more)))
  expect(await series()).toBe(before)
  expect(before).toBeLessThan(20)
  expect(JSON.stringify([...(await read())])).not.toMatch(/stranger|kind-|example/)
})

test('an error of an operator’s own code counts as other', async () => {
  const { telemetry, points } = measured()
  telemetry.event({
    type: 'refused',
    code: 'made_up_by_alice' as 'policy_denied',
    reason: 'about_alice' as 'policy_refused',
    status: 403,
    description: 'no',
  })
  expect(await points('aauth.refusals')).toEqual([[{ 'aauth.error': 'other', 'aauth.reason': 'other' }, 1]])
})

test('a telemetry that throws changes nothing', async () => {
  const fail = (): never => {
    throw new Error('no collector')
  }
  const made = await world({ telemetry: { event: fail, answered: fail, opened: fail } })
  await granted(await ask(made, await delegate(made, 'phone')))
  expect(made.events.map(({ type }) => type)).toEqual(['granted'])
  await made.auth.close()
})

test('unknown options are refused', async () => {
  expect(() => openTelemetry({ meterprovider: {} } as object)).toThrow(/meterProvider/)
  await expect(world({ telemetry: true as never })).rejects.toThrow(/telemetry/)
})

test('own keys are counted as they are made, revoked and retired', async () => {
  const { telemetry, points } = measured()
  const made = await world({
    telemetry,
    keys: { rotateEvery: 30 * 86_400 },
    database: sqliteOfTest(),
    knownKeys: 'check',
  })
  const operator = operatorOf(await made.reopen())
  const [{ kid = '' } = {}] = await operator.keys.list()
  await operator.keys.rotate()
  await operator.keys.revoke(kid)
  expect(await points('aauth.own_keys')).toEqual([
    [{ 'aauth.change': 'made' }, 2],
    [{ 'aauth.change': 'revoked' }, 1],
  ])
})
