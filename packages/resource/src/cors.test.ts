import { generateSigningKey } from '@countersign/httpsig'
import { verifies } from '@countersign/requirements'
import { send } from '@countersign/testing/wire'
import { asAgent, asKey } from '@countersign/testing/world/signer'
import { Hono } from 'hono'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { cors, guard } from './adapter/hono.js'
import { calendarApp, serveApp } from './calendar.test.fixture.js'
import { makeWorld, type World } from './world.test.fixture.js'

const page = 'https://app.example'
const evil = 'https://evil.example'
const exposed = 'Agent-Auth, Retry-After, RateLimit, RateLimit-Policy, Date'
const paths = [
  '/.well-known/aauth-resource',
  '/.well-known/jwks.json',
  '/aauth/resource-token',
  '/public',
  '/feed',
  '/events',
]

let world: World
let port: number
const ran = { count: 0 }
const stops: Array<() => Promise<void>> = []

async function serve(app: Hono): Promise<number> {
  const { port, stop } = await serveApp(app)
  stops.push(stop)
  return port
}

beforeAll(async () => {
  world = await makeWorld()
  port = await serve(calendarApp(world.calendar({ cors: [page] }), ran))
})
afterAll(async () => {
  for (const stop of stops) await stop()
})

const preflight = (target: string, origin: string, to = port) =>
  send(to, {
    method: 'OPTIONS',
    target,
    headers: [
      ['host', 'calendar.example'],
      ['origin', origin],
      ['access-control-request-method', 'POST'],
      ['access-control-request-headers', 'content-digest,signature,signature-input,signature-key'],
    ],
  })

describe('a preflight', () => {
  test(
    verifies(
      'cors.preflight',
      'TOK-36',
      'is answered on routes, metadata, keys and token endpoint, and runs no handler',
    ),
    async () => {
      const events = world.events.length
      for (const target of paths) {
        const { status, headers } = await preflight(target, page)
        expect([status, headers.get('access-control-allow-origin')], target).toEqual([204, page])
        expect(headers.get('access-control-allow-headers')).toBe(
          'Signature, Signature-Input, Signature-Key, Content-Digest, Content-Type, Agent-Interaction',
        )
        expect(headers.get('access-control-allow-credentials')).toBeUndefined()
        expect(headers.get('vary')).toBe('Origin')
        const other = await preflight(target, evil)
        expect([other.status, other.headers.get('access-control-allow-origin')], target).toEqual([204, undefined])
      }
      // Nothing was counted, remembered, fetched or told.
      expect([ran.count, world.events.length, world.fetched]).toEqual([0, events, []])
    },
  )

  test('is guarded like any OPTIONS where CORS is off', async () => {
    const off = await serve(calendarApp(world.calendar(), ran))
    const { status, headers } = await preflight('/feed', page, off)
    expect([status, headers.get('access-control-allow-origin')]).toEqual([401, undefined])
    expect((await preflight('/.well-known/jwks.json', page, off)).status).toBe(405)
  })

  test(verifies('COV-19', 'an OPTIONS that is no preflight is guarded with CORS on'), async () => {
    const unsigned = { method: 'OPTIONS', target: '/feed', headers: [['host', 'calendar.example']] as const }
    expect((await send(port, unsigned)).status).toBe(401)
    const as = asKey(await generateSigningKey())
    expect((await send(port, await world.request({ as, method: 'OPTIONS', target: '/feed' }))).status).toBe(200)
  })
})

describe('an answer', () => {
  const get = (target: string, origin = page, to = port) =>
    send(to, {
      method: 'GET',
      target,
      headers: [
        ['host', 'calendar.example'],
        ['origin', origin],
      ],
    })

  test(verifies('cors.exposed', 'can be read, also a challenge and a refusal'), async () => {
    for (const [target, expected] of [
      ['/.well-known/aauth-resource', 200],
      ['/.well-known/jwks.json', 200],
      ['/aauth/resource-token', 405],
      ['/public', 200],
      ['/feed', 401],
      ['/events', 401],
      ['/public?a\\b', 400],
    ] as const) {
      const { status, headers } = await get(target)
      expect(status, target).toBe(expected)
      expect(headers.get('access-control-allow-origin'), target).toBe(page)
      expect(headers.get('access-control-expose-headers'), target).toBe(exposed)
      expect(headers.get('vary'), target).toMatch(/(^|, )Origin$/)
      expect((await get(target, evil)).headers.get('access-control-allow-origin'), target).toBeUndefined()
    }
    expect((await get('/feed')).headers.get('agent-auth')).toBe('httpsig')
  })

  test('over a limit, or with too large a body, can be read too', async () => {
    const resource = world.calendar({ cors: '*', limits: { anonymous: '1/min' } })
    const app = new Hono()
    app.all('/public', guard(resource, { level: 'anonymous' }, { bodyLimit: 3 }), c => c.text('ok'))
    const limited = await serve(app)
    await get('/public', page, limited)
    const over = await get('/public', page, limited)
    expect([over.status, over.headers.get('access-control-expose-headers')]).toEqual([429, exposed])
    const large = await send(limited, {
      method: 'POST',
      target: '/public',
      headers: [['host', 'calendar.example']],
      body: Buffer.from('1234'),
    })
    expect([large.status, large.headers.get('access-control-allow-origin')]).toEqual([413, '*'])
  })
})

test('cors() answers for routes of one method, and makes a 404 and an error readable', async () => {
  const resource = world.calendar({ cors: '*' })
  const app = new Hono()
  app.onError((_, c) => c.text('broken', 500))
  app.use(cors(resource))
  app.get('/agenda', guard(resource, { level: 'identified' }), c => c.text('ok'))
  app.get('/throws', () => {
    throw new Error('broken')
  })
  const own = await serve(app)
  expect((await preflight('/agenda', page, own)).status).toBe(204)
  const called = await send(own, await world.request({ as: asAgent(world.agent), target: '/agenda' }))
  expect([called.status, called.headers.get('access-control-allow-origin')]).toEqual([200, '*'])
  expect(called.headers.get('vary')).toBe('Signature-Key')
  for (const [target, status] of [
    ['/nothing', 404],
    ['/throws', 500],
  ] as const) {
    const answer = await send(own, { method: 'GET', target, headers: [['host', 'calendar.example']] })
    expect([answer.status, answer.headers.get('access-control-allow-origin')]).toEqual([status, '*'])
  }
  const off = new Hono()
  off.use(cors(world.calendar()))
  off.get('/agenda', c => c.text('ok'))
  expect((await preflight('/agenda', page, await serve(off))).status).toBe(404)
})

test('a wrong list of origins is an error when the resource is created', () => {
  expect(() => world.calendar({ cors: ['https://app.example/'] })).toThrow(TypeError)
})
