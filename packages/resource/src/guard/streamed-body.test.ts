import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import {
  createServer as createH2Server,
  type Http2ServerRequest,
  type Http2ServerResponse,
  connect as h2Connect,
} from 'node:http2'
import { type AddressInfo, connect } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import { generateSigningKey } from '@countersign/httpsig'
import type { AAuthError } from '@countersign/protocol'
import { verifies } from '@countersign/requirements'
import { closing } from '@countersign/testing/closing'
import { stopsAfterTests } from '@countersign/testing/stops'
import { bytesOf, parseAnswer, type Wire } from '@countersign/testing/wire'
import { asKey } from '@countersign/testing/world/signer'
import { createAdaptorServer } from '@hono/node-server'
import express from 'express'
import Fastify from 'fastify'
import { Hono } from 'hono'
import { describe, expect, test } from 'vitest'
import { guard as guardExpress } from '../adapter/express-node.js'
import { guard as guardFastify } from '../adapter/fastify-node.js'
import { guard as guardFetch } from '../adapter/fetch.js'
import { guard as guardHono } from '../adapter/hono.js'
import { guard as guardNode } from '../adapter/node.js'
import type { Requirement, Resource, ResourceEvent } from '../index.js'
import { makeWorld } from '../world.test.fixture.js'

const world = await makeWorld()
const as = asKey(await generateSigningKey())
const stops = stopsAfterTests()

type Scopes = 'events.read' | 'events.write'
type Reading = (chunks: AsyncIterable<Uint8Array> | null) => Promise<string>

const need: Requirement<Scopes> = { level: 'pseudonymous', body: 'stream' }

/** Each serves `read` at every path, guarded, and says `read 12`. */
const sites: Record<string, (resource: Resource<Scopes>, read: Reading) => Promise<Server>> = {
  'node:http': async (resource, read) =>
    createServer(quiet(guardNode(resource, need, async (request, response) => response.end(await read(request))))),
  Express: async (resource, read) => {
    const app = express()
    app.use(guardExpress(resource, need), async (request, response) => {
      response.send(await read(request))
    })
    app.use((_: unknown, __: express.Request, response: express.Response, ___: unknown) => response.status(500).end())
    return createServer(app)
  },
  Fastify: async (resource, read) => {
    const app = Fastify()
    app.addContentTypeParser('application/octet-stream', (_, payload, done) => done(null, payload))
    app.post('/*', guardFastify(resource, need), request => read(request.body as AsyncIterable<Uint8Array> | null))
    await app.ready()
    return app.server
  },
  Hono: async (resource, read) => {
    const app = new Hono()
    app.post('/*', guardHono(resource, need), async c => c.text(await read(c.req.raw.body)))
    return createAdaptorServer(app) as Server
  },
  'Hono where only a Fetch request is to be had': async (resource, read) => {
    const app = new Hono()
    app.post('/*', guardHono(resource, need), async c => c.text(await read(c.req.raw.body)))
    return createAdaptorServer({ fetch: request => app.fetch(new Request(request)) }) as Server
  },
  Fetch: async (resource, read) => {
    const fetch = guardFetch(resource, need, async request => new Response(await read(request.body)))
    return createAdaptorServer({ fetch: request => fetch(request) }) as Server
  },
  'Fetch where only a Fetch request is to be had': async (resource, read) => {
    const fetch = guardFetch(resource, need, async request => new Response(await read(request.body)))
    return createAdaptorServer({ fetch: request => fetch(new Request(request)) }) as Server
  },
}

/** What a handler throws is its own affair here. */
function quiet(handle: (request: IncomingMessage, response: ServerResponse) => Promise<void>) {
  return (request: IncomingMessage, response: ServerResponse): void => void handle(request, response).catch(() => 0)
}

interface Site {
  readonly port: number
  /** What handlers have read, and how it ended. */
  readonly reads: Array<{ bytes: number; end?: 'ended' | 'failed' }>
  readonly refused: AAuthError[]
}

async function open(make: (resource: Resource<Scopes>, read: Reading) => Promise<Server>): Promise<Site> {
  const reads: Site['reads'] = []
  const refused: AAuthError[] = []
  const onEvent = (event: ResourceEvent): void => {
    if (event.type === 'refused') refused.push(event.error)
  }
  const server = await make(world.calendar({ onEvent }), async chunks => {
    const one: Site['reads'][number] = { bytes: 0 }
    reads.push(one)
    try {
      for await (const chunk of chunks ?? []) one.bytes += chunk.length
      one.end = 'ended'
    } catch (error) {
      one.end = 'failed'
      throw error
    }
    return `read ${one.bytes}`
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  stops.push(() => server.close())
  return { port: (server.address() as AddressInfo).port, reads, refused }
}

const upload = (body: string): Promise<Wire> =>
  world.request({ as, method: 'POST', target: '/up', body, contentType: 'application/octet-stream' })

/** Sends the head and then the parts as chunks, one by one when the one before has arrived; '' for whatever ends without an answer. */
async function send({ port, reads }: Site, wire: Wire, parts: readonly string[]): Promise<string> {
  const { body: _, ...rest } = wire
  const chunked = { ...rest, headers: [...rest.headers, ['transfer-encoding', 'chunked'] as const] }
  const socket = connect(port, '127.0.0.1')
  const received: Buffer[] = []
  socket.on('data', chunk => received.push(chunk))
  const closed = closing(socket)
  const before = reads.length
  socket.write(bytesOf(chunked))
  let sent = 0
  for (const part of parts) {
    if (sent > 0) await expect.poll(() => reads[before]?.bytes ?? 0, { timeout: 5000 }).toBe(sent)
    socket.write(`${part.length.toString(16)}\r\n${part}\r\n`)
    sent += part.length
  }
  socket.write('0\r\n\r\n')
  await Promise.race([closed, pause(5000)])
  socket.destroy()
  const answer = Buffer.concat(received)
  if (answer.length === 0) return ''
  const { status, body } = parseAnswer(answer)
  return status === 200 ? body : String(status)
}

const first = 'a'.repeat(1000)

describe.each(Object.entries(sites))('%s', (name, make) => {
  test(verifies('sig.covered.stream', `a body is read as it comes (${name})`), async () => {
    const site = await open(make)
    expect(await send(site, await upload(`${first}bc`), [first, 'b', 'c'])).toBe('read 1002')
    expect(site.reads).toEqual([{ bytes: 1002, end: 'ended' }])
    // More than would be read of a whole one.
    const large = 'x'.repeat(700_000)
    expect(await send(site, await upload(large.repeat(2)), [large, large])).toBe('read 1400000')
    expect(site.refused).toEqual([])
  })

  test(
    verifies('sig.covered.stream', `one that is another than was signed never ends, and is told (${name})`),
    async () => {
      const site = await open(make)
      const wrong: ReadonlyArray<readonly string[]> = [
        [first, 'b', 'd'],
        [first, 'b'],
        [first, 'b', 'c', 'd'],
      ]
      for (const parts of wrong) {
        const answer = await send(site, await upload(`${first}bc`), parts)
        expect(['', '500'], parts.join().slice(-6)).toContain(answer)
        expect(site.reads.at(-1)?.end).toBe('failed')
      }
      await expect
        .poll(() => site.refused)
        .toMatchObject(Array(3).fill({ code: 'invalid_signature', reason: 'digest_wrong' }))
      expect(await send(site, await upload(`${first}bc`), [first, 'bc'])).toBe('read 1002')
    },
  )

  test(verifies('DIG-20', 'limits.body-memory', `more small chunks than its bytes are worth (${name})`), async () => {
    const site = await open(make)
    const chunks = async (count: number, size: number): Promise<string> => {
      const body = 'x'.repeat(count * size)
      const { body: _, ...rest } = await upload(body)
      const socket = connect(site.port, '127.0.0.1')
      let said = ''
      socket.on('data', data => (said += String(data)))
      const closed = closing(socket)
      const before = site.reads.length
      const one = `${size.toString(16)}\r\n${'x'.repeat(size)}\r\n`
      socket.write(bytesOf({ ...rest, headers: [...rest.headers, ['transfer-encoding', 'chunked']] }))
      socket.write(one)
      // The reader keeps up from here on.
      await expect.poll(() => site.reads[before]?.bytes).toBe(size)
      for (let left = count - 1; left > 0; left -= 500) {
        socket.write(one.repeat(Math.min(left, 500)))
        await pause(2)
      }
      socket.write('0\r\n\r\n')
      await closed
      return said
    }
    expect(await chunks(4096, 1)).toContain('read 4096')
    expect(await chunks(6000, 16)).toContain('read 96000')
    expect(site.refused).toEqual([])
    expect(await chunks(6000, 1)).not.toContain('read')
    expect(site.reads.at(-1)?.end).toBe('failed')
    expect(site.refused).toMatchObject([{ code: 'invalid_request', reason: 'body_chunks_too_small' }])
  })

  test(verifies('DIG-13', `without a signed digest, the first byte is one too many (${name})`), async () => {
    const site = await open(make)
    const typed = async (): Promise<Wire> => {
      const bare = await world.request({ as, method: 'POST', target: '/up' })
      return { ...bare, headers: [...bare.headers, ['content-type', 'application/octet-stream']] }
    }
    expect(await send(site, await typed(), ['x'])).toBe('401')
    expect(site.reads, 'no handler ran').toEqual([])
    expect(site.refused).toMatchObject([{ code: 'invalid_signature', reason: 'component_not_covered' }])
    expect(await send(site, await typed(), [])).toBe('read 0')
    const announced: Wire = { ...(await typed()), body: Buffer.from('x') }
    let said = ''
    const socket = connect(site.port, '127.0.0.1', () => socket.write(bytesOf(announced)))
    socket.on('data', data => (said += String(data)))
    await closing(socket)
    expect(said).toContain('HTTP/1.1 401')
  })
})

test(
  verifies('sig.created.judged', 'time is judged at the last byte of a whole body, at the head of one that streams'),
  async () => {
    const slow = async (rule: 'whole' | 'stream', seconds: number): Promise<string> => {
      let runs = false
      const handler = guardNode<Scopes>(world.calendar(), { ...need, body: rule }, async (request, response) => {
        runs = true
        for await (const _ of request);
        response.end('done')
      })
      const server = createServer(quiet(handler))
      server.listen(0, '127.0.0.1')
      await once(server, 'listening')
      stops.push(() => server.close())
      const wire = await upload('abc')
      const bytes = bytesOf(wire)
      const { now } = world.clock
      const socket = connect((server.address() as AddressInfo).port, '127.0.0.1')
      let answer = ''
      socket.on('data', data => (answer += String(data)))
      const closed = closing(socket)
      socket.write(bytes.subarray(0, -1))
      // A whole one has no such moment before its end.
      if (rule === 'stream') await expect.poll(() => runs, { timeout: 5000 }).toBe(true)
      else await pause(50)
      world.clock.now = now + seconds
      socket.write(bytes.subarray(-1))
      await closed
      world.clock.now = now
      return answer.slice(9, 12)
    }
    expect([await slow('whole', 59), await slow('whole', 61)]).toEqual(['200', '401'])
    expect([await slow('stream', 59), await slow('stream', 61)]).toEqual(['200', '200'])
  },
)

test(verifies('sig.covered.stream', 'over HTTP/2 only the stream is aborted'), async () => {
  const resource = world.calendar()
  const ends: string[] = []
  const handle = guardNode<Scopes, Http2ServerRequest, Http2ServerResponse>(
    resource,
    need,
    async (request, response) => {
      request.on('aborted', () => ends.push('aborted')).on('end', () => ends.push('end'))
      request.on('end', () => response.end('done')).resume()
    },
  )
  const server = createH2Server((request, response) => void handle(request, response).catch(() => 0))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const session = h2Connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
  stops.push(
    () => session.close(),
    () => server.close(),
  )
  const call = async (wire: Wire, parts: readonly string[]): Promise<unknown> => {
    const headers = Object.fromEntries(wire.headers.filter(([name]) => name !== 'host'))
    const stream = session.request({
      ':method': 'POST',
      ':path': wire.target,
      ':authority': 'calendar.example',
      ...headers,
    })
    let status: unknown
    stream.on('response', answer => {
      status = answer[':status']
    })
    const closed = closing(stream.resume())
    for (const part of parts) {
      stream.write(part)
      await pause(20)
    }
    stream.end()
    await closed
    return status
  }
  expect(await call(await upload('abc'), ['ab', 'c'])).toBe(200)
  expect(await call(await upload('abc'), ['ab', 'd'])).toBe(undefined)
  expect(await call(await upload('abc'), ['abc'])).toBe(200)
  expect(ends).toEqual(['end', 'aborted', 'end'])
})

test(verifies('sig.covered.stream', 'also for a parser that comes when all has come in'), async () => {
  const parsed: unknown[] = []
  const site = await open(async resource => {
    const app = express()
    app.use(guardExpress(resource, need), async (_, __, next) => {
      await pause(50)
      next()
    })
    app.use(express.raw({ type: '*/*' }), (request, response) => {
      parsed.push(request.body)
      response.send('done')
    })
    app.use((_: unknown, __: express.Request, response: express.Response, ___: unknown) => response.status(500).end())
    return createServer(app)
  })
  expect(await send(site, await upload('abc'), ['abc'])).toBe('done')
  expect(['', '401', '500']).toContain(await send(site, await upload('abc'), ['abd']))
  expect(parsed).toEqual([Buffer.from('abc')])
  expect(site.refused).toMatchObject([{ code: 'invalid_signature', reason: 'digest_wrong' }])
})

test('a guard that needs the whole body throws behind one that streams it', async () => {
  const resource = world.calendar()
  const app = new Hono()
  const failures: unknown[] = []
  app.onError((error, c) => {
    failures.push(error)
    return c.text('broken', 500)
  })
  app.use(guardHono(resource, need))
  app.post('/up', guardHono(resource, { level: 'pseudonymous' }), async c => c.text(await c.req.text()))
  app.post('/both', guardHono(resource, need), async c => c.text(await c.req.text()))
  const server = createAdaptorServer(app)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  stops.push(() => server.close())
  const site: Site = { port: (server.address() as AddressInfo).port, reads: [], refused: [] }
  expect(await send(site, await upload('abc'), ['abc'])).toBe('500')
  expect(failures).toEqual([expect.any(TypeError)])
  failures.length = 0
  const twice = await world.request({ as, method: 'POST', target: '/both', body: 'abc', contentType: 'text/plain' })
  expect([await send(site, twice, ['abc']), failures]).toEqual(['abc', []])
})

test('a body that was read before is checked whole', async () => {
  const resource = world.calendar()
  const wire = await upload('abc')
  expect((await resource.authorize(wire, need)).ok).toBe(true)
  const altered = await resource.authorize({ ...(await upload('abc')), body: Buffer.from('abd') }, need)
  expect(altered.ok ? undefined : altered.response.status).toBe(401)
  expect(() => resource.declare({ ...need, body: 'whatever' as 'stream' })).toThrow(TypeError)
})
