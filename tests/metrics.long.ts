import { request } from 'node:http'
import { freePort } from '@countersign/testing/ports'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { run, type Stand, stand } from './processes.fixture.js'

// As Prometheus does it: a started server, and its metrics port.

let place: Stand
beforeAll(() => {
  place = stand()
})
afterAll(() => place.stop())

/** One sample: the name with its labels, and the value. */
type Samples = Map<string, number>

const label = String.raw`[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\["\\n])*"`
const sample = new RegExp(
  String.raw`^([a-zA-Z_:][a-zA-Z0-9_:]*(?:\{${label}(?:,${label})*\})?) ([-+]?(?:\d+(?:\.\d+)?(?:e[-+]?\d+)?|Inf)|NaN)$`,
)
const comment =
  /^# (?:HELP [a-zA-Z_:][\w:]* \S.*|TYPE ([a-zA-Z_:][\w:]*) (counter|gauge|histogram)|UNIT [a-zA-Z_:][\w:]* \S+)$/

/** Parses a reading line by line; a line outside the grammar fails. */
function parsed(text: string): { readonly samples: Samples; readonly kinds: Map<string, string> } {
  expect(text.endsWith('\n')).toBe(true)
  const samples: Samples = new Map()
  const kinds = new Map<string, string>()
  for (const line of text.slice(0, -1).split('\n')) {
    const [isComment, name = '', kind = ''] = comment.exec(line) ?? []
    if (isComment !== undefined) {
      if (kind === '') continue
      expect(kinds.has(name), `${name} has one TYPE`).toBe(false)
      kinds.set(name, kind)
      continue
    }
    const [isSample, series = '', value = ''] = sample.exec(line) ?? []
    expect(isSample, line).toBeDefined()
    expect(samples.has(series), `${series} is there once`).toBe(false)
    samples.set(series, Number(value.replace('Inf', 'Infinity')))
    const base = series.replace(/\{.*/, '')
    const family = kinds.has(base) ? base : base.replace(/_(?:bucket|sum|count)$/, '')
    expect(kinds.has(family), `${series} comes after its TYPE`).toBe(true)
  }
  return { samples, kinds }
}

async function scrape(
  port: number,
): Promise<{ readonly text: string; readonly samples: Samples; readonly kinds: Map<string, string> }> {
  const response = await fetch(`http://127.0.0.1:${port}/metrics`)
  expect(response.status).toBe(200)
  expect(response.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8')
  const text = await response.text()
  return { text, ...parsed(text) }
}

/** The sum of a metric's series whose labels hold `part`. */
function total(samples: Samples, name: string, part = ''): number {
  return [...samples]
    .filter(([series]) => series.replace(/\{.*/, '') === name && series.includes(part))
    .reduce((sum, [, value]) => sum + value, 0)
}

/** Sends a request as a stranger. */
function stranger(port: number, path: string, name: string): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    request({ port, path, method: 'POST', headers: { 'user-agent': name, 'x-forwarded-for': name } }, response => {
      response.resume().once('end', () => resolve(response.statusCode))
    })
      .once('error', reject)
      .end(`request_type=${name}`)
  })
}

/** Absent at the first reading. */
const delays = ['nodejs_eventloop_delay_p99', 'nodejs_eventloop_delay_max']

const secrets = /[\w-]{20,}\.[\w-]{20,}\.|"[A-Za-z0-9_-]{40,}"|-----BEGIN|\/tmp\/|stranger/

test('an auth server is read by Prometheus on a port of its own, and strangers make no series', async () => {
  const [port, metricsPort] = [await freePort(), await freePort()]
  const id = `http://localhost:${port}`
  await place.start('auth-server', place.config('auth-server', { id, port, metricsPort }))
  const first = await scrape(metricsPort)
  expect(first.samples.get('countersign_server_ready')).toBe(1)
  expect(first.samples.get('aauth_requests_waiting')).toBe(0)
  expect(total(first.samples, 'countersign_build_info', 'countersign_server="auth-server"')).toBe(1)
  expect((await fetch(`${id}/metrics`)).status).toBe(404)
  expect((await fetch(`${id}/.well-known/jwks.json`)).status).toBe(200)
  expect(await stranger(port, '/agent/token', 'stranger')).toBe(401)
  const second = await scrape(metricsPort)
  expect(total(second.samples, 'aauth_refusals_total', 'aauth_error="insufficient_level"')).toBe(1)
  expect(total(second.samples, 'aauth_request_duration_count', 'endpoint="token",aauth_status="4xx"')).toBe(1)
  expect(total(second.samples, 'aauth_request_duration_count', 'endpoint="document",aauth_status="2xx"')).toBe(1)
  expect(total(second.samples, 'aauth_request_duration_count', 'endpoint="other",aauth_status="4xx"')).toBe(1)
  expect(second.kinds.get('aauth_refusals_total')).toBe('counter')
  expect(second.kinds.get('aauth_request_duration')).toBe('histogram')
  for (let index = 0; index < 1000; index += 20)
    await Promise.all(
      Array.from({ length: 20 }, (_, more) =>
        stranger(port, index % 40 === 0 ? '/agent/token' : `/stranger-${index + more}`, `stranger-${index + more}`),
      ),
    )
  const third = await scrape(metricsPort)
  expect(total(third.samples, 'aauth_refusals_total')).toBe(501)
  expect(total(third.samples, 'aauth_request_duration_count')).toBe(1003)
  expect(new Set(third.samples.keys())).toEqual(new Set([...second.samples.keys(), ...delays]))
  expect(third.text).not.toMatch(secrets)
})

test('an agent server and a gateway offer theirs, by variable and flag', async () => {
  const [port, metricsPort, gatewayPort, gatewayMetrics] = await Promise.all([1, 2, 3, 4].map(() => freePort()))
  const id = `http://localhost:${port}`
  await place.start('agent-server', place.config('agent-server', { id, port }), {
    env: { COUNTERSIGN_METRICS_PORT: String(metricsPort) },
  })
  await stranger(port ?? 0, '/delegate/token', 'stranger')
  const agent = await scrape(metricsPort ?? 0)
  expect(total(agent.samples, 'aauth_refusals_total')).toBe(1)
  expect(total(agent.samples, 'aauth_own_keys_total', 'aauth_change="made"')).toBeGreaterThanOrEqual(1)
  expect((await fetch(`${id}/metrics`)).status).toBe(404)

  const settings = {
    id: `http://localhost:${gatewayPort}`,
    port: gatewayPort,
    upstream: id,
    routes: [{ path: '/*', level: 'identified' }],
  }
  await place.start('gateway', [...place.config('gateway', settings), '--metrics-port', String(gatewayMetrics)])
  expect((await fetch(`http://localhost:${gatewayPort}/metrics`)).status).toBe(401)
  const gateway = await scrape(gatewayMetrics ?? 0)
  expect(total(gateway.samples, 'aauth_decisions_total', 'aauth_outcome="refused"')).toBe(1)
  expect(total(gateway.samples, 'countersign_build_info', 'countersign_server="gateway"')).toBe(1)
  expect(agent.text + gateway.text).not.toMatch(secrets)
})

test('a wrong metrics port stops the start, before anything is made', async () => {
  const port = await freePort()
  const taken = await freePort()
  await place.start(
    'auth-server',
    place.config('auth-server', {
      id: `http://localhost:${port}`,
      port,
      metricsPort: taken,
      data: `${place.folder}/taken`,
    }),
  )
  const other = await freePort()
  const start = (...more: string[]) =>
    run([
      'auth-server',
      '--id',
      `http://localhost:${other}`,
      '--port',
      String(other),
      '--development',
      '--data',
      `${place.folder}/other`,
      ...more,
    ])
  const used = await start('--metrics-port', String(taken))
  expect([used.code, used.stdout]).toEqual([2, ''])
  expect(used.stderr).toContain(
    `port ${taken} is in use: end the program that listens there, or give another --metrics-port`,
  )
  expect((await start('--metrics-host', '127.0.0.1')).stderr).toContain('give that, too')
  expect((await start('--metrics-prt', '1')).stderr).toContain('(did you mean --metrics-port?)')
  expect((await start('--metrics-port', '70000')).stderr).toContain('--metrics-port: must be at most 65535')
})
