import { connect as connectH2 } from 'node:http2'
import { verifies } from '@countersign/requirements'
import { send, type Wire } from '@countersign/testing/wire'
import { asAgent } from '@countersign/testing/world/signer'
import { Hono } from 'hono'
import { describe, expect, test } from 'vitest'
import { calendarApp, scene } from '../calendar.test.fixture.js'
import { guard } from './hono.js'

const { world, as, serve, serveCalendar } = await scene()

describe('responses', () => {
  test(
    verifies('cache.private', 'cache.vary', 'every guarded response, also of errors, copies and streams'),
    async () => {
      const resource = world.calendar()
      const app = new Hono()
      app.onError((_, c) => c.text('broken', 500))
      app.use(guard(resource, { level: 'anonymous' }))
      app.get('/plain', c => c.text('ok'))
      app.get('/public', c =>
        c.text('ok', 200, { 'cache-control': 'public, max-age=60', vary: 'Accept', 'cdn-cache-control': 'max-age=9' }),
      )
      app.get('/throws', () => {
        throw new Error('broken')
      })
      app.get('/fixed', () => fetch('data:text/plain,ok'))
      app.get('/stream', c => c.body(new Blob(['ok']).stream()))
      const port = await serve(app)
      const headersOf = async (target: string) => {
        const { headers, status } = await send(port, { method: 'GET', target, headers: [['host', 'calendar.example']] })
        return [status, headers.get('cache-control'), headers.get('vary'), headers.get('cdn-cache-control')]
      }
      for (const target of ['/plain', '/fixed', '/stream'])
        expect(await headersOf(target), target).toEqual([200, 'private', 'Signature-Key', undefined])
      expect(await headersOf('/public')).toEqual([200, 'private, max-age=60', 'Accept, Signature-Key', undefined])
      expect(await headersOf('/throws')).toEqual([500, 'private', 'Signature-Key', undefined])
      expect(await headersOf('/nothing')).toEqual([404, 'private', 'Signature-Key', undefined])
      const open = new Hono()
      open.get('/public', guard(resource, { level: 'anonymous', cacheControl: 'handler' }), c =>
        c.text('ok', 200, { 'cache-control': 'public, max-age=60' }),
      )
      const answer = await send(await serve(open), {
        method: 'GET',
        target: '/public',
        headers: [['host', 'calendar.example']],
      })
      expect([answer.headers.get('cache-control'), answer.headers.get('vary')]).toEqual([
        'public, max-age=60',
        'Signature-Key',
      ])
    },
  )

  test(verifies('COV-19', 'HEAD and OPTIONS are signed and guarded as what they are'), async () => {
    const { port, ran } = await serveCalendar()
    for (const method of ['HEAD', 'OPTIONS', 'PATCH']) {
      expect(
        (await send(port, { method, target: '/feed', headers: [['host', 'calendar.example']] })).status,
        method,
      ).toBe(401)
      expect((await send(port, await world.request({ as, method, target: '/feed' }))).status, method).toBe(200)
    }
    expect(ran()).toBe(3)
  })
})

describe('over h2', () => {
  interface Request2 {
    readonly wire: Wire
    readonly authority?: string
    readonly method?: string
  }

  async function exchange(port: number, { wire, authority = 'calendar.example', method = wire.method }: Request2) {
    const client = connectH2(`http://127.0.0.1:${port}`)
    try {
      const headers = Object.fromEntries(wire.headers.filter(([name]) => name !== 'host'))
      const stream = client.request(
        { ...headers, ':method': method, ':path': wire.target, ':authority': authority },
        { endStream: wire.body === undefined },
      )
      if (wire.body !== undefined) stream.end(wire.body)
      const status = await new Promise<number>((resolve, reject) => {
        stream.on('response', head => resolve(Number(head[':status'])))
        stream.on('error', reject)
      })
      let body = ''
      for await (const chunk of stream) body += chunk
      return { status, body }
    } finally {
      client.close()
    }
  }

  test(
    verifies(
      'SIG-23',
      'COV-23',
      'DIG-12',
      'sig.body.uncovered',
      'the verdict is the same, and an unsigned body is refused',
    ),
    async () => {
      const { port, ran } = await serveCalendar({ http2: true })
      const get = await world.request({ as, target: '/feed?a=b' })
      expect((await exchange(port, { wire: get })).status).toBe(200)
      expect(
        (await exchange(port, { wire: get, authority: 'evil.example' })).status,
        ':authority decides nothing',
      ).toBe(200)
      const signed = await world.request({ as, method: 'POST', target: '/feed', body: '{"a":1}' })
      const passed = await exchange(port, { wire: signed })
      expect([passed.status, JSON.parse(passed.body).body]).toEqual([200, '{"a":1}'])
      const ranBefore = ran()
      const bare = await world.request({ as, method: 'POST', target: '/feed' })
      for (const method of ['POST', 'DELETE']) {
        const wire = {
          ...(method === 'POST' ? bare : await world.request({ as, method, target: '/feed' })),
          body: Buffer.from('{"evil":1}'),
        }
        const refused = await exchange(port, { wire })
        expect([refused.status, JSON.parse(refused.body).error]).toEqual([401, 'invalid_signature'])
      }
      expect(ran()).toBe(ranBefore)
      expect((await exchange(port, { wire: bare })).status, 'the twin without a body').toBe(200)
    },
  )
})

describe('without Node’s own request', () => {
  test(verifies('sig.target.raw', 'a server that has read the message shows it'), async () => {
    const ran = { count: 0 }
    const app = calendarApp(world.calendar(), ran)
    const wire = await world.request({ as, method: 'POST', target: '/feed', body: '{"a":1}' })
    const request = () =>
      new Request('https://calendar.example/feed', {
        method: 'POST',
        headers: [['content-type', 'application/json']],
        body: '{"a":1}',
      })
    const passed = await app.fetch(request(), { received: { ...wire, peer: '192.0.2.1' } })
    expect([passed.status, (await passed.json()).body]).toEqual([200, '{"a":1}'])
    const target = '/x/../feed'
    expect((await app.fetch(request(), { received: { ...wire, target } })).status).toBe(400)
    expect(ran.count).toBe(1)
  })

  test('a Fetch request is verified as far as it can be known', async () => {
    const ran = { count: 0 }
    const app = calendarApp(world.calendar(), ran)
    const request = async (wire: Wire) => {
      const { method, target, headers, body } = wire
      return app.request(
        new Request(`https://calendar.example${target}`, {
          method,
          headers: headers.map(([n, v]) => [n, v]),
          ...(body === undefined ? {} : { body: new Uint8Array(body) }),
        }),
      )
    }
    expect((await request(await world.request({ as: asAgent(world.agent), target: '/agenda' }))).status).toBe(200)
    const posted = await request(await world.request({ as, method: 'POST', target: '/feed?q=1', body: '{"a":1}' }))
    expect([posted.status, (await posted.json()).body]).toEqual([200, '{"a":1}'])
    const changed = await world.request({ as, method: 'POST', target: '/feed', body: '{"a":1}' })
    expect((await request({ ...changed, body: Buffer.from('{"a":2}') })).status).toBe(401)
    expect((await request({ method: 'GET', target: '/feed', headers: [] })).status).toBe(401)
    expect(ran.count).toBe(2)
  })
})
