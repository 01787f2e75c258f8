import { request } from 'node:http'
import { verifies } from '@countersign/requirements'
import { beforeAll, describe, expect, test } from 'vitest'
import { call, everything, ok, stage, valuesOf } from './stage.test.fixture.js'
import { makeWorld, startGateway, startUpstream, type World } from './world.test.fixture.js'

let world: World
beforeAll(async () => {
  world = await makeWorld()
})
const start = stage(() => world)

describe('the response of the API', () => {
  test(
    verifies('cache.private', 'cache.vary', 'the response, without headers that only the gateway may send'),
    async () => {
      const { port } = await start((_, response) => {
        response.writeHead(
          201,
          [
            ['Agent-Auth', 'httpsig; identity=?1'],
            ['AAuth-Level', 'x'],
            ['aauth_user', 'x'],
            ['Set-Cookie', 'a=1'],
            ['Set-Cookie', 'b=2'],
            ['Cache-Control', 'public, max-age=60'],
            ['Surrogate-Control', 'max-age=60'],
            ['Vary', 'Accept'],
            ['Connection', 'X-Hop'],
            ['X-Hop', '1'],
            ['X-Kept', '1'],
          ].flat(),
        )
        response.end('made')
      })
      const answer = await call(port, { target: '/open' })
      expect([answer.status, answer.body]).toEqual([201, 'made'])
      expect(answer.headers).toMatchObject({
        'set-cookie': ['a=1', 'b=2'],
        'cache-control': 'private, max-age=60',
        vary: 'Accept, Signature-Key',
        'x-kept': '1',
      })
      for (const name of ['agent-auth', 'aauth-level', 'aauth_user', 'x-hop', 'surrogate-control'])
        expect(answer.headers[name], name).toBeUndefined()
    },
  )

  test('answers without a body, and errors of the API itself', async () => {
    const { port, signed } = await start(({ url = '' }, response) => {
      response.statusCode = Number(/\d{3}/.exec(url)?.[0] ?? 200)
      response.setHeader('content-length', response.statusCode === 204 || response.statusCode === 304 ? 0 : 4)
      response.end(response.statusCode === 204 || response.statusCode === 304 ? undefined : 'body')
    })
    for (const status of [204, 304])
      expect([
        (await call(port, { target: `/open/${status}` })).status,
        (await call(port, { target: `/open/${status}` })).body,
      ]).toEqual([status, ''])
    for (const status of [302, 404, 500])
      expect([
        (await call(port, { target: `/open/${status}` })).status,
        (await call(port, { target: `/open/${status}` })).body,
      ]).toEqual([status, 'body'])
    const head = await signed({ as: world.agent, method: 'HEAD', target: '/x' })
    expect([head.status, head.body, head.headers['content-length']]).toEqual([200, '', '4'])
  })

  test('a stream comes as it comes, its head at once, and ends upstream when the caller goes', async () => {
    let ended = false
    let push: (text: string) => void = () => {}
    const { port } = await start((_, response) => {
      response.on('close', () => {
        ended = true
      })
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      response.flushHeaders()
      push = text => void response.write(text)
    })
    const received: string[] = []
    const outgoing = request({
      host: '127.0.0.1',
      port,
      path: '/open/events',
      headers: ['host', 'api.example'],
      setHost: false,
      agent: false,
    })
    const response = await new Promise<import('node:http').IncomingMessage>(resolve =>
      outgoing.on('response', resolve).end(),
    )
    expect(response.headers['content-type']).toBe('text/event-stream')
    response.on('data', chunk => received.push(String(chunk)))
    response.on('error', () => {})
    outgoing.on('error', () => {})
    for (const event of ['data: 1\n\n', 'data: 2\n\n']) {
      push(event)
      await expect.poll(() => received.join('')).toContain(event)
    }
    expect(ended).toBe(false)
    outgoing.destroy()
    await expect.poll(() => ended).toBe(true)
  })
})

describe('when the API behind is in trouble', () => {
  test(verifies('error.unavailable', 'away, or too slow: 503 and when to try again'), async () => {
    const gone = await startUpstream(ok)
    await gone.stop()
    const away = await startGateway(world, gone.origin, everything)
    const slow = await start(() => {}, everything, { timeout: 0.1 })
    for (const port of [away.port, slow.port]) {
      const answer = await call(port, { target: '/open' })
      expect([
        answer.status,
        JSON.parse(answer.body),
        answer.headers['retry-after'],
        answer.headers['cache-control'],
      ]).toMatchObject([503, { error: 'temporarily_unavailable', reason: 'dependency_unavailable' }, '5', 'no-store'])
    }
    expect(slow.upstream.seen.length).toBe(1)
    expect((await call(slow.port, { method: 'POST', target: '/open' })).headers['retry-after']).toBe('60')
    const records: string[] = []
    const told = await startGateway(world, gone.origin, everything, {}, line => records.push(line))
    await call(told.port, { target: '/open' })
    expect(records.join(''), 'the log of the operator has the cause').toContain('ECONNREFUSED')
    await told.close()
    expect((await fetch(`http://127.0.0.1:${away.port}/readyz`)).status).toBe(503)
    expect((await fetch(`http://127.0.0.1:${slow.port}/readyz`)).status).toBe(200)
    await away.close()
  })

  test('an unrequested switch of protocols is an error at once', async () => {
    const { port } = await start((_, response) => {
      response.socket?.end('HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n')
    })
    const answer = await call(port, { target: '/open' })
    expect([answer.status, JSON.parse(answer.body)]).toMatchObject([
      503,
      { error: 'temporarily_unavailable', reason: 'dependency_unavailable' },
    ])
  })

  test(verifies('DIG-13', 'a GET with a body goes alone on its connection: no API takes it for two'), async () => {
    const { port, upstream } = await start((incoming, response) => response.end(String(incoming.socket.remotePort)))
    let connections = 0
    upstream.server.on('connection', () => {
      connections += 1
    })
    const smuggled = 'GET /admin HTTP/1.1\r\nAAuth-Level: authorized\r\n\r\n'
    const plain = { target: '/open', headers: [['host', 'api.example'] as const] }
    const length = ['content-length', String(smuggled.length)] as const
    const withBody = { ...plain, headers: [...plain.headers, length], body: smuggled }
    for (const one of [plain, plain, withBody, plain]) expect((await call(port, one)).status).toBe(200)
    expect(connections).toBe(2)
    expect(valuesOf(upstream.seen[2], 'connection')).toEqual(['close'])
  })

  test('an answer that breaks off is not passed off as whole', async () => {
    const { port } = await start((incoming, response) => {
      response.writeHead(200, { 'content-length': '100' })
      response.write('half')
      setTimeout(() => incoming.socket.destroy(), 30)
    })
    const answer = await call(port, { target: '/open' }).catch(() => undefined)
    expect(answer === undefined || !answer.complete).toBe(true)
    expect((await call(port, { target: '/nothing-signed' })).status, 'and the gateway goes on').toBe(401)
  })

  test('a kept connection that the API closed costs no caller its response', async () => {
    const { port, upstream, signed } = await start(ok)
    upstream.server.keepAliveTimeout = 1
    for (let n = 0; n < 5; n++) {
      expect((await call(port, { target: '/open' })).status).toBe(200)
      upstream.server.closeIdleConnections()
      expect((await signed({ as: world.agent, method: 'POST', target: '/x' })).status).toBe(200)
    }
    expect(upstream.seen.length).toBe(10)
  })
})
