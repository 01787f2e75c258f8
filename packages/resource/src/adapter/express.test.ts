import { createServer } from 'node:http'
import { Readable } from 'node:stream'
import { gzipSync } from 'node:zlib'
import { generateSigningKey } from '@countersign/httpsig'
import { verifies } from '@countersign/requirements'
import { asHolder, asKey } from '@countersign/testing/world/signer'
import express, { type ErrorRequestHandler } from 'express'
import { afterAll, expect, test, vi } from 'vitest'
import { listening, type Site } from '../site.test.fixture.js'
import { makeWorld } from '../world.test.fixture.js'
import { guard, keepBody, setbacks } from './express-node.js'

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
  verifies('DIG-17', 'every parser of Express reads the verified bytes, and two guards count one request'),
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

test(verifies('DIG-17', 'DIG-02', 'DIG-13', 'parsers before the guard keep the bytes that it verifies'), async () => {
  const parsed: unknown[] = []
  const ran: unknown[] = []
  const app = express()
  app.use(
    express.json({ verify: keepBody }),
    express.urlencoded({ verify: keepBody }),
    express.text({ verify: keepBody }),
  )
  app.use((request, _, next) => {
    parsed.push(request.body)
    next()
  })
  const key = guard(world.calendar(), { level: 'pseudonymous' }, { bodyLimit: 1000 })
  const streamed = guard(world.calendar(), { level: 'pseudonymous', body: 'stream' })
  app.post('/whole', key, key, (request, response) => void response.json(ran.push(request.body) && request.body))
  app.post('/stream', streamed, (request, response) => void response.json(ran.push(request.body) && request.body))
  const { send } = await serve(app)
  const json = '{ "a" : "ü" }'
  const post = (target: string, body: string | undefined, contentType: string) =>
    world.request({ as, method: 'POST', target, ...(body === undefined ? {} : { body, contentType }) })
  for (const target of ['/whole', '/stream']) {
    for (const [type, body, expected] of [
      ['application/json', json, '{"a":"ü"}'],
      ['application/x-www-form-urlencoded', 'a=1', '{"a":"1"}'],
      ['text/plain', 'plain', '"plain"'],
    ] as const) {
      const answer = await send(await post(target, body, type))
      expect([answer.status, Buffer.from(answer.body, 'latin1').toString()], type).toEqual([200, expected])
    }
    // A body that no parser takes is left to the guard; an empty request has no body to read.
    expect((await send(await post(target, 'abc', 'application/octet-stream'))).status).toBe(200)
    expect((await send(await post(target, undefined, ''))).status).toBe(200)
    const before = ran.length
    expect(parsed.push('')).toBeGreaterThan(0)
    for (const change of [{ body: Buffer.from('{"a":2}') }, { body: Buffer.from('{}') }])
      expect((await send({ ...(await post(target, json, 'application/json')), ...change })).error).toBe(
        'invalid_signature',
      )
    const bare = await post(target, undefined, '')
    const typed = { ...bare, headers: [...bare.headers, ['content-type', 'application/json'] as const] }
    expect((await send({ ...typed, body: Buffer.from('{"evil":1}') })).error).toBe('invalid_signature')
    expect(parsed.at(-1), 'it was parsed').toEqual({ evil: 1 })
    // Inflated, it is not what was signed.
    const coded = { as, method: 'POST', target, headers: [['content-encoding', 'gzip']] as const }
    const gzip = await world.request({
      ...coded,
      bytes: new Uint8Array(gzipSync(json)),
      contentType: 'application/json',
    })
    expect((await send(gzip)).status).toBe(415)
    expect(ran.length, 'no handler ran').toBe(before)
  }
  expect((await send(await post('/whole', JSON.stringify({ a: 'x'.repeat(2000) }), 'application/json'))).status).toBe(
    413,
  )
})

test('a parser before the guard that keeps nothing is told where the guard goes', async () => {
  const failed: Error[] = []
  const app = express()
  app.use(express.json())
  app.post('/', guard(world.calendar(), { level: 'pseudonymous' }), (_, response) => void response.send('ok'))
  app.use(((error, _, response, __) => {
    failed.push(error)
    response.status(500).end()
  }) satisfies ErrorRequestHandler)
  const { send } = await serve(app)
  const signed = () => world.request({ as, method: 'POST', target: '/', body: '{}', contentType: 'application/json' })
  expect((await send(await signed())).status).toBe(500)
  expect(failed).toEqual([expect.any(TypeError)])
  expect(failed[0]?.message).toMatch(/put the guard before .* express\.json\(\{ verify: keepBody \}\)/)
  expect((await send(await world.request({ as, method: 'POST', target: '/' }))).status, 'without a body').toBe(200)
})

test(verifies('DIG-17', 'an upload in parts is read behind the guard, whole or as it comes'), async () => {
  const app = express()
  const upload = async (request: express.Request, response: express.Response): Promise<void> => {
    const headers = { 'content-type': request.headers['content-type'] ?? '' }
    const form = await new Response(Readable.toWeb(request) as ReadableStream, { headers }).formData()
    const file = form.get('file') as File
    response.json([form.get('title'), file.name, (await file.text()).length])
  }
  app.post('/whole', guard(world.calendar(), { level: 'pseudonymous' }), upload)
  app.post('/stream', guard(world.calendar(), { level: 'pseudonymous', body: 'stream' }), upload)
  app.use(((_, __, response, ___) => void response.status(500).end()) satisfies ErrorRequestHandler)
  const { send } = await serve(app)
  const form = new FormData()
  form.set('title', 'lunch')
  form.set('file', new File(['x'.repeat(200_000)], 'menu.txt'))
  const made = new Response(form)
  const contentType = made.headers.get('content-type') ?? ''
  const bytes = new Uint8Array(await made.arrayBuffer())
  for (const target of ['/whole', '/stream']) {
    const wire = await world.request({ as, method: 'POST', target, bytes, contentType })
    expect(JSON.parse((await send(wire)).body)).toEqual(['lunch', 'menu.txt', 200_000])
    const altered = Buffer.from(bytes)
    altered[1000] = 0x79
    const again = await world.request({ as, method: 'POST', target, bytes, contentType })
    const refused = await send({ ...again, body: altered }).catch(() => ({ status: 0 }))
    expect(refused.status, target).not.toBe(200)
  }
})

test(verifies('sig.target.raw', 'a router in a router in an app in an app sees the whole target'), async () => {
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
