import { Readable } from 'node:stream'
import { generateSigningKey } from '@countersign/httpsig'
import { verifies } from '@countersign/requirements'
import type { Wire } from '@countersign/testing/wire'
import { asAgent, asHolder, asKey } from '@countersign/testing/world/signer'
import fastify, { type FastifyInstance } from 'fastify'
import { afterAll, expect, test } from 'vitest'
import { listening } from '../site.test.fixture.js'
import { makeWorld } from '../world.test.fixture.js'
import { guard, wellKnown } from './fastify-node.js'

const world = await makeWorld()
const as = asKey(await generateSigningKey())
const apps: FastifyInstance[] = []
afterAll(async () => {
  for (const app of apps) await app.close()
})

async function serve(app: FastifyInstance) {
  apps.push(app)
  await app.ready()
  return listening(app.server)
}

const post = (target: string, body: string | undefined, contentType = 'application/json') =>
  world.request({ as, method: 'POST', target, contentType, ...(body === undefined ? {} : { body }) })

test(
  verifies('DIG-17', 'every parser reads the verified bytes, schemas apply, and two guards count one request'),
  async () => {
    const resource = world.calendar()
    const app = fastify()
    app.addHook('preParsing', guard(resource, { level: 'anonymous' }).preParsing)
    app.addContentTypeParser('application/octet-stream', { parseAs: 'buffer' }, (_, body, done) => done(null, body))
    app.addContentTypeParser('text/stream', async (_request: unknown, payload: AsyncIterable<Buffer>) => {
      let length = 0
      for await (const chunk of payload) length += chunk.length
      return String(length)
    })
    const schema = { body: { type: 'object', required: ['a'] } }
    app.post('/strict', { ...guard(resource, { level: 'pseudonymous' }), schema }, async ({ body, aauth }) => ({
      body,
      level: aauth.level,
    }))
    app.post('/x', guard(resource, { level: 'pseudonymous' }), async ({ body }) => body)
    const { send } = await serve(app)
    const strict = await post('/strict', '{"a":1}')
    expect((await send(strict)).body).toBe('{"body":{"a":1},"level":"pseudonymous"}')
    expect((await send(strict)).error).toBe('replay_detected')
    expect((await send(await post('/strict', '{"b":1}'))).status).toBe(400)
    expect((await send(await post('/x', 'plain', 'text/plain'))).body).toBe('plain')
    expect((await send(await post('/x', '\u0000\u0001', 'application/octet-stream'))).body).toBe('\u0000\u0001')
    expect((await send(await post('/x', 'streamed', 'text/stream'))).body).toBe('8')
    const { headers, ...bare } = await post('/x', undefined, 'text/plain')
    const empty: Wire = {
      ...bare,
      headers: [...headers, ['transfer-encoding', 'chunked']],
      body: Buffer.from('0\r\n\r\n'),
    }
    expect((await send(empty)).status, 'the guard does not wait for a body that has ended').toBe(200)
  },
)

test(verifies('DIG-13', 'a payload that another hook made is unverified and refused'), async () => {
  const app = fastify()
  app.register(async changed => {
    changed.addHook('preParsing', async () => Readable.from(['{"evil":1}']))
    changed.post('/changed', guard(world.calendar(), { level: 'pseudonymous' }), async ({ body }) => body)
  })
  app.post('/x', guard(world.calendar(), { level: 'pseudonymous' }), async ({ body }) => body)
  const { send } = await serve(app)
  const refused = await send(await post('/changed', '{"a":1}'))
  expect([refused.status, refused.body.includes('evil')]).toEqual([500, false])
  expect((await send(await post('/x', '{"a":1}'))).body).toBe('{"a":1}')
})

test('a prefix, HEAD routes and rewritten URLs are verified as they came', async () => {
  const app = fastify({ rewriteUrl: ({ url = '' }) => url.replace('/old/', '/new/') })
  app.register(
    async api => {
      api.get('/feed', guard(world.calendar(), { level: 'pseudonymous' }), async ({ aauth }) => aauth.level)
    },
    { prefix: '/new' },
  )
  const { send } = await serve(app)
  for (const target of ['/new/feed', '/old/feed?a']) {
    expect((await send(await world.request({ as, target }))).status, target).toBe(200)
    expect((await send(await world.request({ as, target, method: 'HEAD' }))).status, target).toBe(200)
  }
  expect((await send({ ...(await world.request({ as, target: '/new/feed' })), target: '/old/feed' })).status).toBe(401)
})

test('injected requests are verified like any other', async () => {
  const app = fastify()
  apps.push(app)
  app.post('/x', guard(world.calendar(), { level: 'pseudonymous' }), async ({ body }) => body)
  const { headers, body } = await post('/x', '{"a":1}')
  const inject = (payload: Uint8Array | undefined) =>
    app.inject({
      method: 'POST',
      url: '/x',
      headers: Object.fromEntries(headers),
      ...(payload === undefined ? {} : { payload: Buffer.from(payload) }),
    })
  expect((await inject(Buffer.from('{"a":2}'))).statusCode).toBe(401)
  const passed = await inject(body)
  expect([passed.statusCode, passed.body, passed.headers['cache-control']]).toEqual([200, '{"a":1}', 'private'])
})

test(
  verifies(
    'exchange.answers',
    'a setback is logged as no error and leaves no header of the handler’s; other errors are the app’s',
  ),
  async () => {
    const logged: string[] = []
    const app = fastify({ logger: { level: 'warn', stream: { write: line => logged.push(line) } } })
    const away = async (): Promise<Response> => {
      throw new TypeError('fetch failed')
    }
    const resource = world.calendar({ downstream: { acceptAuthServer: 'any', fetch: away } })
    app.get('/away', guard(resource, { scope: 'events.read' }), async ({ aauth }, reply) => {
      reply.header('x-late', '1').header('cache-control', 'max-age=60')
      return (await aauth.fetch('https://rooms.example/')).text()
    })
    app.get('/broken', guard(resource, { level: 'anonymous' }), async () => {
      throw Object.assign(new Error('teapot'), { statusCode: 418 })
    })
    const { send } = await serve(app)
    const alice = asHolder(world.delegateKey, await world.authToken({ sub: 'alice' }))
    const { status, error, headers } = await send(await world.request({ as: alice, target: '/away' }))
    expect([status, error, headers.get('x-late'), headers.get('cache-control')]).toEqual([
      503,
      'temporarily_unavailable',
      undefined,
      'no-store',
    ])
    expect(logged).toEqual([])
    const broken = await send({ method: 'GET', target: '/broken', headers: [['host', 'a']] })
    expect([broken.status, broken.headers.get('cache-control')]).toEqual([418, 'private'])
  },
)

test(verifies('LOG-03', 'events have the name that Fastify has for a request'), async () => {
  const resource = world.calendar()
  const name = 'name-of-fastify'
  const guarded = fastify({ genReqId: () => name })
  guarded.get('/', guard(resource, { level: 'anonymous' }), async request => request.id)
  const known = fastify({ genReqId: () => name })
  known.addHook('onRequest', wellKnown(resource))
  const before = world.events.length
  const anybody: Wire = { method: 'GET', target: '/', headers: [['host', 'calendar.example']] }
  expect((await (await serve(guarded)).send(anybody)).body).toBe(name)
  const form = { body: 'scope=events.read', contentType: 'application/x-www-form-urlencoded' }
  const asked = { as: asAgent(world.agent), method: 'POST', target: '/aauth/resource-token', ...form }
  expect((await (await serve(known)).send(await world.request(asked))).status).toBe(200)
  expect(world.events.slice(before)).toMatchObject([
    { type: 'passed', request_id: name },
    { type: 'resource_token', request_id: name },
  ])
})
