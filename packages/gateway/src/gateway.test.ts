import { request } from 'node:http'
import { connect } from 'node:net'
import { verifies } from '@countersign/requirements'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createGateway, type GatewayRoute } from './index.js'
import { type AnswerAs, makeWorld, type Signer, startGateway, startUpstream, type World } from './world.test.fixture.js'

interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly body: string
  readonly complete: boolean
}

interface Call {
  readonly method?: string
  readonly target: string
  readonly headers?: ReadonlyArray<readonly [string, string]>
  readonly body?: string
}

function call(
  port: number,
  { method = 'GET', target, headers = [['host', 'api.example']], body }: Call,
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const outgoing = request({
      host: '127.0.0.1',
      port,
      method,
      path: target,
      headers: headers.flat(),
      setHost: false,
      agent: false,
    })
    outgoing.on('error', reject)
    outgoing.on('response', response => {
      let text = ''
      response.setEncoding('utf8')
      response.on('data', chunk => {
        text += chunk
      })
      response.on('error', () => {})
      response.on('close', () =>
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers,
          body: text,
          complete: response.complete,
        }),
      )
    })
    outgoing.end(body)
  })
}

const everything: ReadonlyArray<GatewayRoute<'read'>> = [
  { path: '/*', requirement: { level: 'identified' } },
  { path: '/open*', requirement: { level: 'anonymous' } },
  { path: '/scoped', requirement: { scope: 'read' } },
]

let world: World
const stops: Array<() => Promise<void>> = []
beforeAll(async () => {
  world = await makeWorld()
})
afterAll(async () => {
  for (const stop of stops) await stop()
})

async function start(answer: AnswerAs, routes = everything, options = {}) {
  const upstream = await startUpstream(answer)
  const gateway = await startGateway(world, upstream.origin, routes, options)
  stops.push(async () => {
    await gateway.close()
    await upstream.stop()
  })
  const signed = async (o: {
    as: Signer
    method?: string
    target: string
    headers?: Array<[string, string]>
    body?: string
  }) => call(gateway.port, { ...o, headers: await world.sign(o) })
  return { port: gateway.port, upstream, signed }
}

const ok: AnswerAs = (_, response) => response.end('hello')
const valuesOf = (seen: { headers: ReadonlyArray<readonly [string, string]> } | undefined, name: string) =>
  seen?.headers.filter(([key]) => key === name).map(([, value]) => value)

describe('what reaches the API behind', () => {
  test(verifies('SIG-01', 'level.anonymous', 'nothing that was not authorized'), async () => {
    const { port, upstream, signed } = await start(ok)
    const refused = await call(port, { target: '/x' })
    expect([refused.status, refused.headers['agent-auth']]).toEqual([401, 'httpsig; identity=?1'])
    expect((await signed({ as: world.stranger, target: '/x' })).status).toBe(401)
    expect((await signed({ as: world.agent, target: '/scoped' })).headers['agent-auth']).toMatch(
      /^httpsig; auth-token; resource_token=/,
    )
    const changed = await world.sign({ as: world.agent, target: '/x' })
    expect((await call(port, { target: '/y', headers: changed })).status).toBe(401)
    expect(upstream.seen).toEqual([])
    expect((await call(port, { target: '/open' })).body).toBe('hello')
    expect((await signed({ as: world.agent, target: '/x' })).body).toBe('hello')
    expect((await signed({ as: await world.holder({}), target: '/scoped' })).body).toBe('hello')
    expect(upstream.seen.length).toBe(3)
  })

  test(verifies('SIG-21', 'COV-20', 'COV-43', 'the verified facts, and no inbound copy of them'), async () => {
    const { port, upstream, signed } = await start(ok)
    const forged: Array<[string, string]> = [
      ['AAuth-Level', 'authorized'],
      ['aauth_agent', 'https://root.example'],
      ['AAuth-User', 'root'],
      ['X-Forwarded-For', '198.51.100.7'],
      ['X-Forwarded-Host', 'evil.example'],
      ['X_Forwarded_Proto', 'ftp'],
      ['X-Real-IP', '198.51.100.7'],
      ['Forwarded', 'for=198.51.100.7'],
      ['X-HTTP-Method-Override', 'DELETE'],
      ['Connection', 'X-Named, close'],
      ['X-Named', '1'],
      ['TE', 'trailers'],
      ['X-Kept', '1'],
      ['X-Kept', '2'],
    ]
    await call(port, { target: '/open', headers: [['host', 'api.example'], ...forged] })
    const anonymous = upstream.seen[0]
    expect(anonymous?.headers.filter(([name]) => /^aauth/.test(name))).toEqual([['aauth-level', 'anonymous']])
    for (const name of ['x-real-ip', 'x_forwarded_proto', 'forwarded', 'x-http-method-override', 'x-named', 'te'])
      expect(valuesOf(anonymous, name), name).toEqual([])
    expect(['for', 'host', 'proto'].map(name => valuesOf(anonymous, `x-forwarded-${name}`))).toEqual([
      ['127.0.0.1'],
      ['api.example'],
      ['https'],
    ])
    expect(valuesOf(anonymous, 'x-kept')).toEqual(['1', '2'])
    expect(valuesOf(anonymous, 'host')).toEqual([new URL(upstream.origin).host])
    await signed({
      as: await world.holder({ sub: 'älice\u2003100%', delegate: 'phone' }),
      target: '/scoped',
      headers: forged,
    })
    const authorized = upstream.seen[1]
    expect(Object.fromEntries(authorized?.headers.filter(([name]) => /^aauth/.test(name)) ?? [])).toEqual({
      'aauth-level': 'authorized',
      'aauth-agent': 'https://agent.example',
      'aauth-delegate': 'phone',
      'aauth-user': '%C3%A4lice%E2%80%83100%25',
      'aauth-scope': 'read',
      'aauth-issuer': 'https://auth.example',
    })
    for (const name of ['signature', 'signature-input', 'signature-key'])
      expect(valuesOf(authorized, name), name).toEqual([])
  })

  test(
    verifies('sig.target.one-path', 'sig.target.raw', 'COV-28', 'the target that was verified, byte for byte'),
    async () => {
      const { upstream, port } = await start(ok)
      for (const target of ['/a/x%2fb', '/a/x%2Fb?q=%41&b', '/a/b;c=d/', '/a?', "/a/~'(!)*?x=[1]&y={z}"]) {
        // A lone `?` is dropped by our signer, so this one goes unsigned.
        const answer =
          target === '/a?' ? await call(port, { target: '/open?' }) : await call(port, { target: `/open${target}` })
        expect(answer.status, target).toBe(200)
        expect(upstream.seen.at(-1)?.target).toBe(target === '/a?' ? '/open?' : `/open${target}`)
      }
      for (const target of ['/open/../x', '/open/%2e%2e/x', '//x', '/open\\x', '/open#x', 'http://evil.example/open']) {
        const before = upstream.seen.length
        expect(
          (await raw(port, `GET ${target} HTTP/1.1\r\nHost: api.example\r\nConnection: close\r\n\r\n`)).startsWith(
            'HTTP/1.1 400',
          ),
          target,
        ).toBe(true)
        expect(upstream.seen.length).toBe(before)
      }
    },
  )

  test(verifies('DIG-02', 'DIG-12', 'sig.body.bytes', 'the bytes that were verified'), async () => {
    const { port, upstream, signed } = await start(ok)
    const headers: Array<[string, string]> = [['content-type', 'application/json']]
    const post = { as: world.agent, method: 'POST', target: '/x', headers }
    expect((await signed({ ...post, body: '{"a":"ü"}' })).status).toBe(200)
    expect([upstream.seen.at(-1)?.body, valuesOf(upstream.seen.at(-1), 'content-length')]).toEqual([
      '{"a":"ü"}',
      ['10'],
    ])
    const lines = await world.sign({ ...post, body: '{"a":1}' })
    const chunked = await call(port, {
      method: 'POST',
      target: '/x',
      headers: [...lines, ['transfer-encoding', 'chunked']],
      body: '{"a":1}',
    })
    expect([chunked.status, valuesOf(upstream.seen.at(-1), 'transfer-encoding'), upstream.seen.at(-1)?.body]).toEqual([
      200,
      [],
      '{"a":1}',
    ])
    const before = upstream.seen.length
    const again = await world.sign({ ...post, body: '{"a":1}' })
    expect((await call(port, { method: 'POST', target: '/x', headers: again, body: '{"a":2}' })).status).toBe(401)
    expect(
      (
        await call(port, {
          method: 'POST',
          target: '/x',
          headers: await world.sign({ as: world.agent, method: 'POST', target: '/x' }),
          body: 'x',
        })
      ).status,
    ).toBe(401)
    expect(upstream.seen.length).toBe(before)
    expect((await signed({ as: world.agent, method: 'POST', target: '/x' })).status).toBe(200)
    expect(valuesOf(upstream.seen.at(-1), 'content-length')).toEqual(['0'])
    expect((await signed({ as: world.agent, target: '/x' })).status).toBe(200)
    expect(valuesOf(upstream.seen.at(-1), 'content-length')).toEqual([])
  })

  test(verifies('NON-01', 'a replayed POST reaches it once'), async () => {
    const { port, upstream } = await start(ok)
    const headers = await world.sign({ as: world.agent, method: 'POST', target: '/x' })
    expect((await call(port, { method: 'POST', target: '/x', headers })).status).toBe(200)
    const again = await call(port, { method: 'POST', target: '/x', headers })
    expect([again.status, JSON.parse(again.body).error, again.headers['agent-auth'], upstream.seen.length]).toEqual([
      401,
      'replay_detected',
      undefined,
      1,
    ])
  })
})

describe('what comes back', () => {
  test(verifies('cache.private', 'cache.vary', 'the answer, without what only the gateway may say'), async () => {
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
  })

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
        JSON.parse(answer.body).error,
        answer.headers['retry-after'],
        answer.headers['cache-control'],
      ]).toEqual([503, 'temporarily_unavailable', '5', 'no-store'])
    }
    expect(slow.upstream.seen.length).toBe(1)
    expect((await fetch(`http://127.0.0.1:${away.port}/readyz`)).status).toBe(503)
    expect((await fetch(`http://127.0.0.1:${slow.port}/readyz`)).status).toBe(200)
    await away.close()
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

  test('a kept connection that the API closed costs nobody an answer', async () => {
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

describe('routes', () => {
  test(
    verifies(
      'RAT-12',
      'error.method',
      'the longest path decides; its methods are the only ones; nothing else is there',
    ),
    async () => {
      const { port, upstream, signed } = await start(ok, [
        { path: '/a*', requirement: { level: 'anonymous' } },
        { path: '/a/admin*', requirement: { level: 'identified' } },
        { path: '/a/exact', methods: ['GET'], requirement: { level: 'identified' } },
        { path: '/a/exact', methods: ['POST', 'PUT'], requirement: { level: 'anonymous' } },
      ])
      const status = async (target: string, method = 'GET') => (await call(port, { target, method })).status
      expect([await status('/a'), await status('/abc'), await status('/a/exact', 'POST')]).toEqual([200, 200, 200])
      expect([await status('/a/admin'), await status('/a/administration?x'), await status('/a/exact')]).toEqual([
        401, 401, 401,
      ])
      expect((await signed({ as: world.agent, target: '/a/exact' })).status).toBe(200)
      expect([await status('/'), await status('/b'), await status('/A')]).toEqual([404, 404, 400])
      for (const method of ['HEAD', 'OPTIONS', 'DELETE']) {
        const refused = await call(port, { target: '/a/exact', method })
        expect([refused.status, refused.headers['allow']]).toEqual([405, 'GET, POST, PUT'])
      }
      const before = upstream.seen.length
      for (const target of [
        '/a/%61dmin',
        '/a/ADMIN',
        '/a//admin',
        '/a/%2561dmin',
        '/a;x/admin',
        '/a/exact/',
        '/a/%65xact',
        '/a%2Fadmin',
        '/a%5Cadmin',
      ])
        expect(await status(target), target).toBe(400)
      expect(upstream.seen.length).toBe(before)
      expect([await status('/a/%62'), await status('/a//b'), await status('/a/B')]).toEqual([200, 200, 200])
    },
  )

  test(verifies('metadata.resource', 'the gateway answers for the resource itself'), async () => {
    const { port, upstream } = await start(ok)
    expect(JSON.parse((await call(port, { target: '/.well-known/aauth-resource' })).body).resource).toBe(
      'https://api.example',
    )
    expect(JSON.parse((await call(port, { target: '/.well-known/jwks.json' })).body).keys.length).toBe(1)
    expect((await call(port, { target: '/aauth/resource-token', method: 'POST' })).status).toBe(401)
    expect(upstream.seen).toEqual([])
  })

  test('what is configured wrongly is found at start', () => {
    const make = (upstream: string, routes: ReadonlyArray<GatewayRoute<'read'>>) => () =>
      createGateway({ resource: world.resource, upstream, routes })
    const requirement = { level: 'anonymous' } as const
    expect(make('http://127.0.0.1:1', [{ path: '/*', requirement }])).not.toThrow()
    for (const upstream of ['127.0.0.1:1', 'ftp://x', 'http://127.0.0.1:1/api', 'http://u:p@127.0.0.1:1'])
      expect(make(upstream, [{ path: '/*', requirement }]), upstream).toThrow(TypeError)
    for (const path of ['x', '', '/a*b', '/a?b', '/a b', '*'])
      expect(make('http://127.0.0.1:1', [{ path, requirement }]), path).toThrow(TypeError)
    expect(
      make('http://127.0.0.1:1', [
        { path: '/a', requirement },
        { path: '/a', requirement },
      ]),
    ).toThrow(TypeError)
    expect(make('http://127.0.0.1:1', [{ path: '/a', requirement: { level: 'authorized' } }])).toThrow(TypeError)
  })
})

function raw(port: number, text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let answer = ''
    const socket = connect(port, '127.0.0.1', () => socket.write(text, 'latin1'))
    socket.on('data', chunk => {
      answer += chunk
    })
    socket.on('close', () => resolve(answer))
    socket.on('error', reject)
  })
}
