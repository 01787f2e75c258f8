import { existsSync, readFileSync, rmSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { createAgent, agentServer as ownSite } from '@countersign/agent'
import { generateSigningKey } from '@countersign/httpsig'
import { scriptedUser } from '@countersign/playground'
import { verifies } from '@countersign/requirements'
import { openStore } from '@countersign/store'
import { freePort } from '@countersign/testing/ports'
import { required } from '@countersign/testing/services'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import {
  type AlertCase,
  labelsOf,
  promtoolIsThere,
  type Reading,
  raised,
  reading,
  rules,
  selectorsOf,
  tested,
} from './alerts.fixture.js'
import { type ConsentPlace, consentPlace } from './consent-place.fixture.js'
import { answerOf, enrolled, renewal } from './delegate.fixture.js'
import { end, root, run, type Stand, stand } from './processes.fixture.js'

// The alerts of deploy/monitoring/rules.yaml, on what real servers export: their first reading, and one after an attack or a fault.

type Name = 'auth-server' | 'agent-server' | 'gateway'

/** The servers that the rules of a group are for. */
const serversOf: Readonly<Record<string, readonly Name[]>> = {
  countersign: ['auth-server', 'agent-server', 'gateway'],
  'countersign-issuers': ['auth-server', 'agent-server'],
  'countersign-auth-server': ['auth-server'],
  'countersign-gateway': ['gateway'],
  'countersign-discovery': ['auth-server', 'gateway'],
}

let place: Stand
let consent: ConsentPlace
let upstream: Server
const first: Record<Name, Reading> = { 'auth-server': new Map(), 'agent-server': new Map(), gateway: new Map() }
const later: Record<Name, Reading> = { ...first }

beforeAll(async () => {
  place = stand()
  await Promise.all([attackedAuthServer(), attackedAgentServer(), brokenGateway()])
}, 60_000)

afterAll(async () => {
  await consent.stop()
  upstream.close()
  await place.stop()
})

/** A code that was used is used again, and the epoch file is lost. */
async function attackedAuthServer(): Promise<void> {
  const metricsPort = await freePort()
  let running: Awaited<ReturnType<Stand['start']>> | undefined
  const start = async (auth: string): Promise<void> => {
    const settings = { id: auth, port: Number(new URL(auth).port), metricsPort, demoUsers: [{ name: 'Ada' }] }
    const ask = [{ agents: 'any', resources: 'any' }]
    running = await place.start('auth-server', place.config('auth-server', { ...settings, ask }))
  }
  const stop = async (): Promise<void> => running && end(running, 'SIGTERM')
  consent = await consentPlace({}, {}, async auth => {
    await start(auth)
    first['auth-server'] = await reading(metricsPort, 'auth')
    return stop
  })
  const link = await consent.ask()
  await scriptedUser('Ada').decide(link, 'Allow')
  const { searchParams } = new URL(consent.arrived[0]?.url ?? '', consent.agent)
  const form = {
    request_type: 'code',
    code: searchParams.get('code') ?? '',
    request_token: new URL(link).searchParams.get('request_token') ?? '',
    redirect_uri: `${consent.agent}/callback`,
  }
  expect(await consent.token(form)).toHaveProperty('auth_token')
  await stop()
  await age(join(place.folder, 'auth-server/auth-server.db'))
  const epoch = join(place.folder, 'auth-server/auth-server.epoch.json')
  expect(existsSync(epoch)).toBe(true)
  rmSync(epoch)
  await start(consent.auth)
  await expect(consent.token(form)).rejects.toThrow('invalid_grant')
  later['auth-server'] = await reading(metricsPort, 'auth')
}

/** Makes the grants of a database older: in its first minute a code may come again, from an agent whose answer was lost. */
async function age(file: string): Promise<void> {
  const store = await openStore<{ auth_server_grants: { created: number } }>({
    url: `sqlite:${file}`,
    room: 'test',
    migrations: [],
  })
  await store.write(tx =>
    tx
      .updateTable('auth_server_grants')
      .set(({ eb }) => ({ created: eb('created', '-', 120) }))
      .execute(),
  )
  await store.close()
}

/** Makes the first delegate in the audit log another one, once it stands there. */
async function forge(file: string): Promise<void> {
  const store = await openStore<{
    agent_server_audit: { records: string }
    agent_server_audit_checkpoints: { size: number }
  }>({
    url: `sqlite:${file}`,
    room: 'test',
    migrations: [],
  })
  await vi.waitFor(async () => {
    const rows = await store.db.selectFrom('agent_server_audit').select('records').execute()
    expect(rows.some(({ records }) => records.includes('"delegate":"phone"'))).toBe(true)
    const checkpoints = await store.db.selectFrom('agent_server_audit_checkpoints').select('size').execute()
    expect(checkpoints.length).toBeGreaterThan(0)
  })
  await store.write(tx =>
    tx
      .updateTable('agent_server_audit')
      .set(({ fn, val }) => ({ records: fn<string>('replace', ['records', val('"phone"'), val('"laptop"')]) }))
      .execute(),
  )
  await store.close()
}

/** The former key of a delegate is used, and a record of the audit log is changed in the database. */
async function attackedAgentServer(): Promise<void> {
  const [port, metricsPort] = [await freePort(), await freePort()]
  const id = `http://localhost:${port}`
  const auditKey = join(place.folder, 'audit.json')
  await run(['audit', 'key', auditKey, '--id', id, '--development', '--new'])
  const config = place.config('agent-server', { id, port, metricsPort, auditKey })
  await place.start('agent-server', config)
  first['agent-server'] = await reading(metricsPort, 'agents')
  const invite = async (): Promise<string> => {
    const { stdout } = await run(['agent-server', 'invite', ...config.slice(1), '--sub', 'phone'])
    return /[\w-]{20,}/.exec(stdout)?.[0] ?? ''
  }
  const phone = await enrolled(id, await invite())
  await enrolled(id, await invite())
  expect((await answerOf(id, await renewal(id, phone))).status).toBeGreaterThanOrEqual(400)
  await forge(join(place.folder, 'agent-server/agent-server.db'))
  await vi.waitFor(
    async () => {
      later['agent-server'] = await reading(metricsPort, 'agents')
      const changed = [...later['agent-server']].find(([series]) => series.includes('audit-changed'))
      expect(changed?.[1]).toBe(1)
    },
    { timeout: 30_000, interval: 500 },
  )
}

/** The API behind it is gone, and agents name sites that do not answer. */
async function brokenGateway(): Promise<void> {
  upstream = createServer((_, response) => response.end('ok'))
  await new Promise<void>(resolve => upstream.listen(0, '127.0.0.1', resolve))
  const [port, metricsPort, away] = [await freePort(), await freePort(), await freePort()]
  const id = `http://localhost:${port}`
  const api = `http://127.0.0.1:${(upstream.address() as AddressInfo).port}`
  const routes = [{ path: '/*', level: 'identified' }]
  await place.start('gateway', place.config('gateway', { id, port, metricsPort, upstream: api, routes }))
  first.gateway = await reading(metricsPort, 'gateway')
  const identity = ownSite({ id: `http://localhost:${away}`, kid: 'k1', key: await generateSigningKey() })
  const agent = createAgent({ identity, identifyTo: 'any', development: true })
  await agent.fetch(`${id}/orders`).catch(() => undefined)
  upstream.closeAllConnections()
  upstream.close()
  await vi.waitFor(async () => expect((await fetch(`${id}/readyz`)).status).toBe(503), { timeout: 10_000 })
  later.gateway = await reading(metricsPort, 'gateway')
}

test('every metric and label of a rule is there at the first reading of the server that it is for', () => {
  expect(Object.keys(rules())).toEqual(Object.keys(serversOf))
  let looked = 0
  for (const [group, names] of Object.entries(serversOf))
    for (const { alert, expr } of rules()[group] ?? []) {
      const selectors = selectorsOf(expr)
      expect(selectors.length, alert).toBeGreaterThan(0)
      for (const { metric, matchers } of selectors) {
        const series = names.map(name =>
          [...first[name].keys()].filter(one => one.startsWith(`${metric}{`)).map(labelsOf),
        )
        for (const [index, name] of names.entries())
          expect(series[index], `${alert}: ${metric} of the ${name}`).not.toEqual([])
        for (const { label, values } of matchers)
          for (const value of values) {
            looked++
            const found = series.flat().some(labels => labels[label] === value)
            expect(found, `${alert}: ${metric}{${label}="${value}"}`).toBe(true)
          }
      }
    }
  expect(looked).toBeGreaterThan(8)
})

test('every reason of an alarm in docs/telemetry.md is a series of its server from the first reading on, and no other', () => {
  const page = readFileSync(join(root, 'docs/telemetry.md'), 'utf8')
  for (const name of ['auth-server', 'agent-server'] as const) {
    const section = page.split(`\n## Metrics of an ${name.replace('-', ' ')}\n`)[1]?.split('\n## ')[0] ?? ''
    const [, row = ''] = /^\| `aauth\.alarms` \| .*?\| `aauth\.reason`: (.*?) \|/m.exec(section) ?? []
    const documented = [...row.matchAll(/`([\w-]+)`/g)].map(([, reason]) => reason)
    const exported = [...first[name].entries()]
      .filter(([series]) => series.startsWith('aauth_alarms_total{'))
      .map(([series, value]) => [labelsOf(series)['aauth_reason'], value])
    expect(new Set(exported.map(([reason]) => reason)), name).toEqual(new Set(documented))
    // An alarm of the first start would be none.
    expect(exported.every(([, value]) => value === 0)).toBe(true)
  }
})

const without = promtoolIsThere ? '' : ' (skipped: no promtool; apt-get install promtool)'

test('promtool is there where it is required', () => {
  expect(promtoolIsThere || !required('promtool')).toBe(true)
})

describe.skipIf(!promtoolIsThere)(`Prometheus raises${without}`, () => {
  const alarm = (reason: string, instance: string) => ({ aauth_reason: reason, instance, job: 'countersign' })
  const server = (instance: string) => ({ instance, job: 'countersign' })
  const auth = (): Pick<AlertCase, 'before' | 'after'> => ({
    before: first['auth-server'],
    after: later['auth-server'],
  })

  test('CountersignAlarm for a code that was used twice, and for an epoch file that was lost', () => {
    const all = [alarm('code-reused', 'auth'), alarm('epoch-lost', 'auth')]
    expect(tested({ alert: 'CountersignAlarm', ...auth(), raised: all })).toBe('')
    // It is over when ten minutes have passed, and a test that expects none of it fails.
    expect(tested({ alert: 'CountersignAlarm', ...auth(), minutes: 12, raised: [] })).toBe('')
    expect(tested({ alert: 'CountersignAlarm', ...auth(), raised: [] })).toContain('code-reused')
  })

  test('CountersignAlarm for an alarm of the start of a new instance, which its first reading has', () => {
    const all = [alarm('code-reused', 'auth'), alarm('epoch-lost', 'auth')]
    expect(tested({ alert: 'CountersignAlarm', ...auth(), before: new Map(), raised: all })).toBe('')
    const started = { before: new Map(), after: first['auth-server'] }
    expect(tested({ alert: 'CountersignAlarm', ...started, raised: [] })).toBe('')
  })

  test(verifies('LOG-13', 'CountersignAlarm for the former key of a delegate, and for a changed audit log'), () => {
    const seen = { before: first['agent-server'], after: later['agent-server'] }
    const all = [alarm('replaced-key', 'agents'), alarm('audit-changed', 'agents')]
    expect(tested({ alert: 'CountersignAlarm', ...seen, raised: all })).toBe('')
  })

  test('CountersignAlarm for each other reason, but not for the documents of an issuer', () => {
    for (const [name, instance] of [
      ['auth-server', 'auth'],
      ['agent-server', 'agents'],
    ] as const) {
      const before = first[name]
      const after = raised(before, /^aauth_alarms_total/, 1)
      const reasons = [...before.keys()]
        .filter(series => series.startsWith('aauth_alarms_total'))
        .map(series => labelsOf(series)['aauth_reason'] as string)
      const paged = reasons.filter(reason => reason !== 'issuer-garbage')
      const all = paged.map(reason => alarm(reason, instance))
      expect(tested({ alert: 'CountersignAlarm', before, after, raised: all })).toBe('')
      const unreadable = reasons.length === paged.length ? [] : [alarm('issuer-garbage', instance)]
      expect(tested({ alert: 'CountersignIssuerUnreadable', before, after, raised: unreadable })).toBe('')
    }
  })

  test('CountersignNotReady while a server takes no requests, and when its process has gone', () => {
    const seen = { before: first.gateway, after: later.gateway }
    expect(tested({ alert: 'CountersignNotReady', ...seen, minutes: 3, raised: [server('gateway')] })).toBe('')
    expect(tested({ alert: 'CountersignNotReady', ...seen, minutes: 1, raised: [] })).toBe('')
    const gone = new Map([['up{instance="auth",job="countersign"}', 0]])
    const dead = { before: first['auth-server'], after: gone }
    expect(tested({ alert: 'CountersignNotReady', ...dead, minutes: 3, raised: [server('auth')] })).toBe('')
  })

  test('CountersignSlowTokens where requests take seconds, and not for the requests that were made here', () => {
    for (const [name, endpoint] of [
      ['auth-server', 'token'],
      ['agent-server', 'delegate_token'],
    ] as const) {
      const seen = { before: first[name], after: later[name], goesOn: true, minutes: 20 }
      expect(tested({ alert: 'CountersignSlowTokens', ...seen, raised: [] })).toBe('')
      // Those above two and a half seconds are in the wider buckets only.
      const slow = new RegExp(`^aauth_request_duration_bucket{aauth_endpoint="${endpoint}",.*le="(?:5|10|\\+Inf)"`)
      const after = raised(first[name], slow, 50)
      const raisedFor = [{ aauth_endpoint: endpoint }]
      expect(tested({ alert: 'CountersignSlowTokens', ...seen, after, raised: raisedFor })).toBe('')
    }
  })

  test('CountersignNoticesWait where more than a hundred wait', () => {
    const before = first['auth-server']
    const waiting = (by: number) => ({ before, after: raised(before, /^aauth_notices_waiting/, by), minutes: 11 })
    expect(tested({ alert: 'CountersignNoticesWait', ...waiting(101), raised: [server('auth')] })).toBe('')
    expect(tested({ alert: 'CountersignNoticesWait', ...waiting(100), raised: [] })).toBe('')
  })

  test('CountersignGatewayFails where the gateway cannot decide', () => {
    const failed = /^aauth_decisions_total\{aauth_outcome="failed"/
    const seen = { before: first.gateway, after: raised(first.gateway, failed, 1) }
    const all = [{ aauth_outcome: 'failed', ...server('gateway') }]
    expect(tested({ alert: 'CountersignGatewayFails', ...seen, raised: all })).toBe('')
    expect(tested({ alert: 'CountersignGatewayFails', ...seen, after: later.gateway, raised: [] })).toBe('')
  })

  test('CountersignDocumentsUnreachable where most documents cannot be fetched', () => {
    const seen = { before: first.gateway, after: later.gateway, goesOn: true, minutes: 25 }
    const all = [{ instance: 'gateway' }]
    expect(tested({ alert: 'CountersignDocumentsUnreachable', ...seen, raised: all })).toBe('')
    const most = raised(seen.after, /^aauth_discovery_fetch_duration_count\{aauth_fetch_outcome="ok"/, 100)
    expect(tested({ alert: 'CountersignDocumentsUnreachable', ...seen, after: most, raised: [] })).toBe('')
  })
})
