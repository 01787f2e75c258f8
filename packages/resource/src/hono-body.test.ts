import { verifies } from '@countersign/requirements'
import { send, type Wire } from '@countersign/testing/wire'
import { Hono } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import { describe, expect, test } from 'vitest'
import { guard, wellKnown } from './adapter/hono.js'
import { scene } from './calendar.test.fixture.js'

const { world, as, serve } = await scene()

const post = (body: string, contentType = 'application/json') =>
  world.request({ as, method: 'POST', target: '/x', body, contentType })

describe('the body stays the handler’s', () => {
  test(verifies('DIG-17', 'sig.body.bytes', 'by every way Hono has to read it'), async () => {
    const resource = world.calendar()
    const app = new Hono()
    const read = { json: '{"a":"ü"}', text: 'plain ü', form: 'a=1&b=2', bytes: '\u0000\u0001' }
    app.use(guard(resource, { level: 'pseudonymous' }))
    app.post('/json', async c => c.json(await c.req.json()))
    app.post('/raw', async c => c.json(await c.req.raw.json()))
    app.post('/clone', async c => c.json(await c.req.raw.clone().json()))
    app.post('/text', async c => c.text(await c.req.text()))
    app.post('/form', async c => c.json(await c.req.parseBody()))
    app.post('/bytes', async c => c.body(await c.req.arrayBuffer()))
    app.post('/stream', c => new Response(c.req.raw.body))
    app.post('/ignored', c => c.text('done'))
    app.post('/empty', async c => c.text(`[${await c.req.text()}]`))
    const port = await serve(app)
    const call = async (target: string, body: string | undefined, contentType: string) =>
      Buffer.from(
        (
          await send(
            port,
            await world.request({ as, method: 'POST', target, ...(body === undefined ? {} : { body, contentType }) }),
          )
        ).body,
        'latin1',
      ).toString()
    for (const target of ['/json', '/raw', '/clone'])
      expect(await call(target, read.json, 'application/json')).toBe(read.json)
    for (const target of ['/text', '/stream', '/bytes'])
      expect(await call(target, read.text, 'text/plain')).toBe(read.text)
    expect(await call('/form', read.form, 'application/x-www-form-urlencoded')).toBe('{"a":"1","b":"2"}')
    expect(await call('/bytes', read.bytes, 'application/octet-stream')).toBe(read.bytes)
    expect(await call('/ignored', read.text, 'text/plain')).toBe('done')
    expect(await call('/empty', undefined, '')).toBe('[]')
  })

  test('after another middleware that looks at the body, and with two guards', async () => {
    const resource = world.calendar()
    const app = new Hono()
    app.use(bodyLimit({ maxSize: 100 }))
    app.use(wellKnown(resource))
    app.use('/x', guard(resource, { level: 'anonymous' }))
    app.post('/x', guard(resource, { level: 'pseudonymous' }), async c => c.json(await c.req.json()))
    const port = await serve(app)
    const wire = await post('{"a":1}')
    const answer = await send(port, wire)
    expect([answer.status, answer.body], 'a request is no replay of itself').toEqual([200, '{"a":1}'])
    expect((await send(port, wire)).error).toBe('replay_detected')
  })

  test(
    verifies('DIG-13', 'DIG-02', 'sig.body.uncovered', 'a body that was read before the guard is not let in unsigned'),
    async () => {
      const ran: string[] = []
      const app = new Hono()
      app.use('/cached', async (c, next) => {
        await c.req.text()
        await next()
      })
      app.use('/raw', async (c, next) => {
        await c.req.raw.text()
        await next()
      })
      app.use('/cloned', async (c, next) => {
        await c.req.raw.clone().text()
        await next()
      })
      app.use('/limited', bodyLimit({ maxSize: 100 }))
      app.all('*', guard(world.calendar(), { level: 'pseudonymous' }), async c => {
        ran.push(await c.req.text())
        return c.text('done')
      })
      app.onError((error, c) => c.text(error.message, 500))
      const port = await serve(app)
      const chunked = ['transfer-encoding', 'chunked'] as const
      const body = Buffer.from('4\r\nEVIL\r\n0\r\n\r\n')
      for (const target of ['/cached', '/raw', '/cloned', '/limited', '/plain']) {
        const { headers, ...bare } = await world.request({ as, method: 'POST', target })
        const evil = await send(port, { ...bare, headers: [...headers, chunked], body })
        expect([evil.status, ran], target).toEqual([target === '/cached' || target === '/raw' ? 500 : 401, []])
      }
      for (const target of ['/cloned', '/limited', '/plain']) {
        const { headers, ...rest } = await world.request({ as, method: 'POST', target, body: 'EVIL' })
        expect((await send(port, { ...rest, headers: [...headers, chunked], body })).status, target).toBe(200)
      }
      expect(ran).toEqual(['EVIL', 'EVIL', 'EVIL'])
    },
  )

  test(verifies('COV-19', 'a method that Fetch does not know is guarded like any other'), async () => {
    const app = new Hono()
    app.all('*', guard(world.calendar(), { level: 'pseudonymous' }), c => c.text(c.get('aauth').level))
    const port = await serve(app)
    const wire = await world.request({ as, method: 'TRACE', target: '/x' })
    const answer = await send(port, wire)
    expect([answer.status, answer.body]).toEqual([200, 'pseudonymous'])
    expect((await send(port, { ...wire, method: 'GET' })).status).toBe(401)
  })

  test(verifies('error.body-too-large', 'the limit is the route’s'), async () => {
    const app = new Hono()
    let ran = 0
    app.post('/x', guard(world.calendar(), { level: 'pseudonymous' }, { bodyLimit: 10 }), c => {
      ran += 1
      return c.text('ok')
    })
    const port = await serve(app)
    expect((await send(port, await post('0123456789', 'text/plain'))).status).toBe(200)
    const refused = await send(port, await post('0123456789a', 'text/plain'))
    expect([refused.status, refused.error, ran]).toEqual([413, 'invalid_request', 1])
    const chunked = await post('0123456789a', 'text/plain')
    const wire: Wire = {
      ...chunked,
      headers: [...chunked.headers, ['transfer-encoding', 'chunked']],
      body: Buffer.from('b\r\n0123456789a\r\n0\r\n\r\n'),
    }
    expect([(await send(port, wire)).status, ran]).toEqual([413, 1])
  })
})
