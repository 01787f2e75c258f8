import { writeFileSync } from 'node:fs'
import { createServer, request, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { generateSigningKey, type HeaderLines, signRequest } from '@countersign/httpsig'
import { verifies } from '@countersign/requirements'
import { freePort } from '@countersign/testing/ports'
import { redisForTests } from '@countersign/testing/redis'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { type Stand, stand } from './processes.fixture.js'

// Two gateways of one API that share a Redis, as processes.

const { url: redis, away: why } = await redisForTests()
const on = test.skipIf(why !== '')

const key = await generateSigningKey()
let place: Stand
let id: string
let upstream: Server
let effects = 0
let dies = false
const ports: number[] = []

beforeAll(async () => {
  if (why !== '') return
  place = stand()
  id = `http://localhost:${await freePort()}`
  upstream = createServer((_, response) => {
    effects++
    if (dies) response.destroy()
    else response.end('done')
  })
  await new Promise<void>(resolve => upstream.listen(0, '127.0.0.1', resolve))
  const config = join(place.folder, 'gateway.json')
  const { port } = upstream.address() as AddressInfo
  const limited = { path: '/limited', level: 'anonymous', limits: { anonymous: '3/hour' } }
  const routes = [{ path: '/orders', level: 'pseudonymous' }, limited]
  writeFileSync(
    config,
    JSON.stringify({ upstream: `http://127.0.0.1:${port}`, routes, replay: redis, counter: redis, trustedProxies: 1 }),
  )
  ports.push(await freePort(), await freePort())
  const flags = ['--data', join(place.folder, 'data'), '--development', '--config', config]
  // One after the other: the first makes the keys that both have.
  for (const each of ports) await place.start('gateway', ['gateway', '--id', id, '--port', String(each), ...flags])
  // A request that was signed before the set started is refused as too early.
  await vi.waitFor(async () => expect((await post(ports[0], await signed())).status).toBe(200), 10_000)
})

afterAll(async () => {
  if (why !== '') return
  upstream.close()
  await place.stop()
})

function signed(): Promise<HeaderLines> {
  return signRequest({ method: 'POST', url: `${id}/orders`, key, signatureKey: { scheme: 'hwk', jwk: key.publicJwk } })
}

function post(port: number | undefined, lines: HeaderLines): Promise<{ status: number; text: string }> {
  const headers = ['host', new URL(id).host, 'content-length', '0', ...lines.flat()]
  return new Promise((resolve, reject) => {
    request({ host: '127.0.0.1', port, path: '/orders', method: 'POST', headers, agent: false }, response => {
      let text = ''
      response.setEncoding('utf8').on('data', chunk => {
        text += chunk
      })
      response.on('end', () => resolve({ status: response.statusCode ?? 0, text }))
    })
      .on('error', reject)
      .end()
  })
}

on(verifies('NON-12', 'F-37', `one request at two instances at once is processed once${why}`), async () => {
  for (let round = 0; round < 10; round++) {
    const before = effects
    const lines = await signed()
    const answers = await Promise.all([...ports, ...ports].map(port => post(port, lines)))
    expect(answers.map(({ status }) => status).toSorted()).toEqual([200, 401, 401, 401])
    expect(answers.filter(({ text }) => text.includes('"replay_detected"'))).toHaveLength(3)
    expect(effects - before).toBe(1)
  }
})

on(verifies('NON-12', 'F-43', `a balancer that repeats a POST after a 503 causes one effect${why}`), async () => {
  const before = effects
  const [lines, next] = [await signed(), await signed()]
  dies = true
  const first = await post(ports[0], lines)
  dies = false
  expect([first.status, effects - before]).toEqual([503, 1])
  expect((await post(ports[1], lines)).status).toBe(401)
  expect(effects - before).toBe(1)
  expect((await post(ports[1], next)).status).toBe(200)
  expect(effects - before).toBe(2)
})

on(
  verifies('RAT-02', 'rate.anonymous', `two instances count together, by what the proxy in front says${why}`),
  async () => {
    const get = async (port: number | undefined, from: string) => {
      const headers = { host: new URL(id).host, 'x-forwarded-for': from }
      const response = await new Promise<{ status: number | undefined; left: unknown }>((resolve, reject) => {
        request({ host: '127.0.0.1', port, path: '/limited', headers, agent: false }, answer => {
          answer.resume()
          resolve({ status: answer.statusCode, left: answer.headers['ratelimit'] })
        })
          .on('error', reject)
          .end()
      })
      return [response.status, String(response.left).split(';t=')[0]]
    }
    const outcomes: unknown[] = []
    for (const at of [0, 1, 0, 1]) outcomes.push(await get(ports[at], `203.0.113.${at}, 198.51.100.7`))
    expect(outcomes).toEqual([
      [200, '"anonymous";r=2'],
      [200, '"anonymous";r=1'],
      [200, '"anonymous";r=0'],
      [429, '"anonymous";r=0'],
    ])
    expect(await get(ports[0], '198.51.100.8')).toEqual([200, '"anonymous";r=2'])
  },
)
