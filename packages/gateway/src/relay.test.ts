import { connect, type Socket } from 'node:net'
import { setImmediate as turn } from 'node:timers/promises'
import { verifies } from '@countersign/requirements'
import { jsonLog, type Participant, type Running, type ServeOptions, serve } from '@countersign/server'
import { stopsAfterTests } from '@countersign/testing/stops'
import fc from 'fast-check'
import { beforeAll, describe, expect, test } from 'vitest'
import { type BytesUpstream, bytesUpstream } from './bytes-upstream.test.fixture.js'
import { createGateway } from './index.js'
import { type Answer, call, raw } from './stage.test.fixture.js'
import { makeWorld, resourceId, type World } from './world.test.fixture.js'

// The answer of the API goes out as Node has received it. What the Fetch API would make of it is the measure.

let world: World
beforeAll(async () => {
  world = await makeWorld()
})
const stops = stopsAfterTests()
const routes = [{ path: '/*', requirement: { level: 'anonymous' } }] as const

async function listening(participant: Participant, options: Partial<ServeOptions> = {}): Promise<Running> {
  const running = await serve({
    name: 'gateway',
    id: resourceId,
    port: 0,
    host: '127.0.0.1',
    participant,
    drain: 1,
    signals: false,
    announce: () => undefined,
    log: jsonLog({ name: 'gateway', write: () => undefined }),
    ...options,
  })
  stops.push(() => running.close())
  return running
}

async function upstreamOf(answer: (socket: Socket, head: string) => void): Promise<BytesUpstream> {
  const upstream = await bytesUpstream(answer)
  stops.push(() => upstream.stop())
  return upstream
}

async function gatewayTo(
  answer: (socket: Socket, head: string) => void,
  options: Partial<ServeOptions> = {},
): Promise<Running & { readonly upstream: BytesUpstream }> {
  const upstream = await upstreamOf(answer)
  const gateway = createGateway({ resource: world.resource, upstream: upstream.origin, routes: [...routes] })
  return { ...(await listening(gateway, options)), upstream }
}

interface Written {
  readonly version: string
  readonly status: number
  readonly lines: ReadonlyArray<readonly [string, string]>
  readonly framing: 'length' | 'chunked' | 'closed'
  readonly pieces: readonly string[]
  readonly hints: boolean
  readonly trailer: boolean
}

const names = ['X-A', 'x-a', 'x_a', 'Set-Cookie', 'Vary', 'Cache-Control', 'Agent-Auth', 'AAuth-Level', 'aauth_user']
const more = [
  'X-Request-Id',
  'Connection',
  'Keep-Alive',
  'Upgrade',
  'Retry-After',
  'Surrogate-Control',
  'Trailer',
  'Te',
]
const value = fc.constantFrom('x-a', 'close', 'keep-alive, X-A', 'a=1', '', 'caf\u00e9', 'public, max-age=60', 'b, c')
const bodiless = [204, 304]
const written: fc.Arbitrary<Written> = fc.record({
  version: fc.constantFrom('1.1', '1.1', '1.0'),
  status: fc.constantFrom(200, 201, 204, 205, 206, 301, 304, 404, 500, 503),
  lines: fc.array(fc.tuple(fc.constantFrom(...names, ...more), value), { maxLength: 8 }),
  framing: fc.constantFrom('length' as const, 'chunked' as const, 'closed' as const),
  pieces: fc.array(fc.constantFrom('a', 'caf\u00e9', 'x'.repeat(3000)), { maxLength: 4 }),
  hints: fc.boolean(),
  trailer: fc.boolean(),
})

/** Writes an answer as a server would, piece by piece. */
async function write(
  socket: Socket,
  { status, head, of }: { status: number; head: boolean; of: Written },
): Promise<void> {
  const has = !head && !bodiless.includes(status)
  const framing = of.version === '1.0' && of.framing === 'chunked' ? 'closed' : of.framing
  const length = of.pieces.join('').length
  const lines = of.lines.map(([name, text]) => `${name}: ${text}\r\n`)
  if (framing === 'length') lines.push(`Content-Length: ${has ? length : 0}\r\n`)
  if (framing === 'chunked' && has) lines.push('Transfer-Encoding: chunked\r\n')
  if (framing === 'closed') lines.push('Connection: close\r\n')
  const send = async (text: string): Promise<void> => {
    socket.write(text, 'latin1')
    await turn()
  }
  if (of.hints) await send('HTTP/1.1 103 Early Hints\r\nLink: </a>; rel=preload\r\n\r\n')
  await send(`HTTP/${of.version} ${status} Whatever\r\n${lines.join('')}\r\n`)
  if (has)
    for (const piece of of.pieces)
      await send(framing === 'chunked' ? `${piece.length.toString(16)}\r\n${piece}\r\n` : piece)
  if (has && framing === 'chunked') await send(of.trailer ? '0\r\nX-Trailer: 1\r\n\r\n' : '0\r\n\r\n')
  if (framing === 'closed' || of.version === '1.0') socket.end()
}

/** What may differ: the framing of a body, which depends on when its pieces come, and what each answer has of its own. */
const own = ['date', 'x-request-id', 'transfer-encoding', 'content-length', 'connection', 'keep-alive']

function told({ status, headers, body, complete }: Answer, isIdGiven: boolean): unknown {
  const rest = Object.entries(headers).filter(([name]) => !own.includes(name) || (isIdGiven && name === 'x-request-id'))
  return { status, headers: Object.fromEntries(rest), body, complete }
}

test('every answer is what the Fetch API makes of it', async () => {
  let current: Written | undefined
  const upstream = await upstreamOf((socket, head) => {
    if (current !== undefined)
      void write(socket, { status: current.status, head: head.startsWith('HEAD'), of: current })
  })
  const gateway = createGateway({ resource: world.resource, upstream: upstream.origin, routes: [...routes] })
  const { relay: _, ...fetching } = gateway
  const ports = [(await listening(gateway)).port, (await listening(fetching)).port]
  await fc.assert(
    fc.asyncProperty(written, fc.constantFrom('GET', 'HEAD', 'POST'), async (of, method) => {
      current = of
      const isIdGiven = of.lines.some(([name]) => name === 'X-Request-Id')
      const [relayed, fetched] = [
        await call(ports[0] ?? 0, { method, target: '/x' }),
        await call(ports[1] ?? 0, { method, target: '/x' }),
      ]
      expect(told(relayed, isIdGiven)).toEqual(told(fetched, isIdGiven))
    }),
    { numRuns: 60 },
  )
}, 60_000)

const get = (more = ''): string => `GET /x HTTP/1.1\r\nhost: api.example\r\n${more}connection: close\r\n\r\n`

describe('an answer', () => {
  test('that is here as a whole goes out with its length, in whatever framing it came', async () => {
    const chunked = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\nX-Late: 1\r\n\r\n'
    const { port } = await gatewayTo(socket => socket.write(chunked))
    const answer = await raw(port, get())
    expect(answer).toMatch(/\r\ncontent-length: 4\r\n/i)
    expect(answer).not.toMatch(/transfer-encoding|x-late/i)
    expect(answer).toMatch(/\r\n\r\nbody$/)
  })

  test('keeps each Set-Cookie and the bytes of its headers', async () => {
    const lines = 'Set-Cookie: a=1\r\nSet-Cookie: b=2, 3\r\nX-Name: caf\u00e9\r\nContent-Length: 2\r\n'
    const { port } = await gatewayTo(socket => socket.write(`HTTP/1.1 200 OK\r\n${lines}\r\nok`, 'latin1'))
    const answer = await raw(port, get())
    expect(answer.match(/^set-cookie: .*$/gim)).toEqual(['set-cookie: a=1', 'set-cookie: b=2, 3'])
    const bytes = await new Promise<string>(resolve => {
      const socket = connect(port, '127.0.0.1', () => socket.write(get()))
      let text = ''
      socket.setEncoding('latin1').on('data', chunk => {
        text += chunk
      })
      socket.on('close', () => resolve(text))
    })
    expect(bytes).toMatch(/\r\nx-name: caf\u00e9\r\n/)
  })

  test('to an HTTP/1.0 caller is not chunked', async () => {
    const { port } = await gatewayTo(async socket => {
      socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n')
      await new Promise(resolve => setTimeout(resolve, 50))
      socket.write('2\r\ncd\r\n0\r\n\r\n')
    })
    const answer = await raw(port, 'GET /x HTTP/1.0\r\nhost: api.example\r\n\r\n')
    expect(answer).not.toMatch(/transfer-encoding/i)
    expect(answer).toMatch(/\r\n\r\nabcd$/)
  })

  test('that comes before the request is through is the answer, and its connection serves no other', async () => {
    const early = 'HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\n\r\nbig'
    const { port, upstream } = await gatewayTo(socket => socket.write(early))
    for (const _ of [1, 2]) {
      const answer = await call(port, { method: 'POST', target: '/x', body: 'x'.repeat(50_000) })
      expect([answer.status, answer.body]).toEqual([413, 'big'])
    }
    expect(upstream.connections()).toBe(2)
  })

  test(verifies('error.unavailable', 'with a head that is too large, or with none, is 503'), async () => {
    const heads = [`X-Long: ${'x'.repeat(40_000)}`, 'no colon', 'X-Zero: a\0b']
    for (const head of heads) {
      const { port } = await gatewayTo(socket =>
        socket.write(`HTTP/1.1 200 OK\r\n${head}\r\nContent-Length: 0\r\n\r\n`),
      )
      const answer = await call(port, { target: '/x' })
      expect([answer.status, JSON.parse(answer.body).reason]).toEqual([503, 'dependency_unavailable'])
    }
  })
})

describe('a body that breaks off', () => {
  test('cuts the connection of its caller, before or after its first bytes', async () => {
    for (const sent of ['', 'half']) {
      const { port } = await gatewayTo(async socket => {
        socket.write(`HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n${sent}`)
        await new Promise(resolve => setTimeout(resolve, 50))
        socket.destroy()
      })
      const answer = await call(port, { target: '/x' }).catch(() => undefined)
      expect(answer?.complete ?? false).toBe(false)
    }
  })

  test('its caller goes in the middle: the request to the API ends', async () => {
    let isClosed = false
    const { port } = await gatewayTo(socket => {
      socket.on('close', () => {
        isClosed = true
      })
      const more = setInterval(() => socket.write('x'.repeat(1000)), 5)
      socket.on('close', () => clearInterval(more))
      socket.write('HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n')
    })
    const caller = connect(port, '127.0.0.1', () => caller.write(get()))
    caller.once('data', () => caller.destroy())
    await expect.poll(() => isClosed, { timeout: 5000 }).toBe(true)
  })

  test(
    verifies('DOS-05', 'its caller stops reading: it is cut after the time for that, and the API with it'),
    async () => {
      let isClosed = false
      const { port } = await gatewayTo(
        socket => {
          socket.on('close', () => {
            isClosed = true
          })
          const piece = 'x'.repeat(100_000)
          const more = (): void => {
            while (!socket.destroyed && socket.write(piece));
          }
          socket.on('drain', more)
          socket.write('HTTP/1.1 200 OK\r\nContent-Length: 10000000000\r\n\r\n')
          more()
        },
        { limits: { stall: 0.3 } },
      )
      const caller = connect(port, '127.0.0.1', () => caller.write(get()))
      caller.pause().on('error', () => undefined)
      await expect.poll(() => isClosed, { timeout: 10_000 }).toBe(true)
      caller.destroy()
    },
  )
})

describe('a request', () => {
  test('that is safe is sent again when its kept connection has closed, once; any other is not sent on one', async () => {
    let served = 0
    const { port, upstream } = await gatewayTo(socket => {
      served += 1
      // The second request of a connection finds it closed.
      if (served % 2 === 0) socket.destroy()
      else socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok')
    })
    expect((await call(port, { target: '/x' })).body).toBe('ok')
    expect([(await call(port, { target: '/x' })).body, served, upstream.connections()]).toEqual(['ok', 3, 2])
    expect((await call(port, { method: 'DELETE', target: '/x' })).status).toBe(503)
    expect([served, upstream.connections()]).toEqual([4, 3])
  })

  test('with Expect: 100-continue is asked for its body, which the API gets without that header', async () => {
    const heads: string[] = []
    const { port } = await gatewayTo((socket, head) => {
      heads.push(head)
      socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok')
    })
    const answer = await new Promise<string>(resolve => {
      const head = 'POST /x HTTP/1.1\r\nhost: api.example\r\ncontent-length: 4\r\nexpect: 100-continue\r\n'
      const socket = connect(port, '127.0.0.1', () => socket.write(`${head}connection: close\r\n\r\n`))
      let text = ''
      socket.setEncoding('latin1').on('data', chunk => {
        text += chunk
        if (text === 'HTTP/1.1 100 Continue\r\n\r\n') socket.write('body')
      })
      socket.on('close', () => resolve(text))
    })
    expect(answer).toMatch(/^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 200 OK\r\n/)
    expect(heads).toHaveLength(1)
    expect(heads[0]).not.toMatch(/expect/i)
  })
})

test('a body with 204 does not become the answer to the next request: its connection serves no other', async () => {
  const evil = 'HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil'
  for (const [announced, connections] of [
    ['', 1],
    ['Content-Length: 0\r\n', 1],
    [`Content-Length: ${evil.length}\r\n`, 2],
    ['Transfer-Encoding: chunked\r\n', 2],
  ] as const) {
    const { port, upstream } = await gatewayTo((socket, head) => {
      if (!head.startsWith('GET /none')) return void socket.write('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ngood')
      socket.write(`HTTP/1.1 204 No Content\r\n${announced}\r\n`)
      if (connections === 2) setTimeout(() => socket.write(evil), 20)
    })
    const none = await call(port, { target: '/none' })
    expect([none.status, none.headers['content-length'], none.body]).toEqual([204, undefined, ''])
    const next = await call(port, { target: '/next' })
    expect([next.status, next.body]).toEqual([200, 'good'])
    expect(upstream.connections()).toBe(connections)
  }
})
