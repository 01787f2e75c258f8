import { createServer } from 'node:http'
import { gzipSync } from 'node:zlib'
import { generateSigningKey } from '@countersign/httpsig'
import { verifies } from '@countersign/requirements'
import express, { type ErrorRequestHandler } from 'express'
import { afterAll, expect, test, vi } from 'vitest'
import { guard, setbacks } from './express-node.js'
import { listening, type Site } from './site.test.fixture.js'
import { asHolder, asKey, makeWorld } from './world.test.fixture.js'

const world = await makeWorld()
const as = asKey(await generateSigningKey())
const sites: Site[] = []
afterAll(async () => {
  for (const site of sites) await site.stop()
})

async function serve(app: express.Express): Promise<Site> {
  const site = await listening(createServer(app))
  sites.push(site)
  return site
}

test(
  verifies('DIG-17', 'every parser of Express reads what was verified, and two guards are one request'),
  async () => {
    const resource = world.calendar()
    const app = express()
    app.use(guard(resource, { level: 'anonymous' }))
    const key = guard(resource, { level: 'pseudonymous' })
    app.post('/json', express.json(), key, (request, response) => void response.json(request.body))
    app.post('/form', key, express.urlencoded(), (request, response) => void response.json(request.body))
    app.post('/text', key, express.text(), (request, response) => void response.send(request.body))
    app.post('/raw', key, express.raw({ type: '*/*' }), (request, response) => void response.send(request.body))
    app.post('/none', key, (_, response) => void response.send('none'))
    const { send } = await serve(app)
    const cases = [
      ['/json', 'application/json', '{"a":"b"}', '{"a":"b"}'],
      ['/form', 'application/x-www-form-urlencoded', 'a=1&b=2', '{"a":"1","b":"2"}'],
      ['/text', 'text/plain', 'plain', 'plain'],
      ['/raw', 'application/octet-stream', '\u0000\u0001', '\u0000\u0001'],
      ['/none', 'text/plain', 'unread', 'none'],
    ] as const
    for (const [target, contentType, body, expected] of cases) {
      const wire = await world.request({ as, method: 'POST', target, body, contentType })
      const answer = await send(wire)
      expect([answer.status, answer.body], target).toEqual([200, expected])
      expect((await send(wire)).error, target).toBe('replay_detected')
    }
  },
)

test(verifies('sig.target.raw', 'a router in a router in an app in an app'), async () => {
  const router = express.Router()
  router.get('/:id', guard(world.calendar(), { level: 'pseudonymous' }), (request, response) => {
    response.json([request.params.id, request.url, request.originalUrl, request.aauth.level])
  })
  const inner = express()
  inner.use('/b', router)
  const app = express()
  app.use('/a', inner)
  const { send } = await serve(app)
  expect((await send(await world.request({ as, target: '/a/b/c?d' }))).body).toBe(
    '["c","/c?d","/a/b/c?d","pseudonymous"]',
  )
  expect((await send({ ...(await world.request({ as, target: '/c?d' })), target: '/a/b/c?d' })).status).toBe(401)
})

test(
  verifies(
    'exchange.answers',
    'a setback needs no error handler of the app’s, leaves no header of the handler’s, and logs nothing',
  ),
  async () => {
    const error = vi.spyOn(console, 'error').mockImplementation(() => undefined)
    const away = async (): Promise<Response> => {
      throw new TypeError('fetch failed')
    }
    const resource = world.calendar({ downstream: { acceptAuthServer: 'any', fetch: away } })
    const app = express()
    app.use((_, response, next) => {
      response.set('X-Early', '1')
      next()
    })
    app.get('/away', guard(resource, { scope: 'events.read' }), async (request, response) => {
      response.set({ 'X-Late': '1', 'Content-Length': '3', 'Cache-Control': 'max-age=60' }).status(200)
      await request.aauth.fetch('https://rooms.example/')
    })
    app.get('/broken', guard(resource, { level: 'anonymous' }), () => {
      throw new Error('broken')
    })
    app.use(setbacks)
    const { send } = await serve(app)
    const alice = asHolder(world.delegateKey, await world.authToken({ sub: 'alice' }))
    const answer = await send(await world.request({ as: alice, target: '/away' }))
    const { headers } = answer
    expect([answer.status, answer.error]).toEqual([503, 'temporarily_unavailable'])
    expect(['x-early', 'x-late', 'cache-control'].map(name => headers.get(name))).toEqual(['1', undefined, 'no-store'])
    expect(error).not.toHaveBeenCalled()
    expect((await send({ method: 'GET', target: '/broken', headers: [['host', 'a']] })).status).toBe(500)
    error.mockRestore()
  },
)

test(verifies('LOG-03', 'events have the name that a logger has given Node’s request'), async () => {
  const resource = world.calendar()
  const app = express()
  const names = ['name-of-logger', 7, { no: 'name' }]
  app.use((request, _, next) => {
    Object.assign(request, { id: names.shift() })
    next()
  })
  app.get('/', guard(resource, { level: 'anonymous' }), (_, response) => void response.send('ok'))
  const { send } = await serve(app)
  const before = world.events.length
  for (let again = 0; again < 3; again++)
    await send({ method: 'GET', target: '/', headers: [['host', 'calendar.example']] })
  expect(world.events.slice(before).map(event => event.request_id)).toEqual(['name-of-logger', '7', undefined])
})

test(
  verifies('DIG-11', 'express.json() stops at its limit while it inflates, and inflates what is below it'),
  async () => {
    const failed: unknown[] = []
    const app = express()
    const key = guard(world.calendar(), { level: 'pseudonymous' })
    app.post('/', key, express.json(), (request, response) => void response.json(Object.keys(request.body)))
    const onError: ErrorRequestHandler = (error, _, response, _next) => {
      failed.push(error)
      response.status(error.status).end()
    }
    app.use(onError)
    const { send } = await serve(app)
    const zipped = async (length: number) => {
      const bytes = new Uint8Array(gzipSync(JSON.stringify({ a: ' '.repeat(length) })))
      const headers = [['content-encoding', 'gzip']] as const
      return send(await world.request({ as, method: 'POST', bytes, contentType: 'application/json', headers }))
    }
    expect((await zipped(50_000_000)).status).toBe(413)
    expect(failed).toMatchObject([{ type: 'entity.too.large', limit: 102_400 }])
    expect(Object(failed[0]).received).toBeLessThan(200_000)
    const passed = await zipped(90_000)
    expect([passed.status, passed.body]).toEqual([200, '["a"]'])
  },
)
