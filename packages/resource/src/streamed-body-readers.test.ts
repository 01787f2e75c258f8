import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { createServer as createH2Server, connect as h2Connect } from 'node:http2'
import { type AddressInfo, connect } from 'node:net'
import { Readable, Writable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { setTimeout as pause } from 'node:timers/promises'
import { generateSigningKey } from '@countersign/httpsig'
import { verifies } from '@countersign/requirements'
import { closing } from '@countersign/testing/closing'
import { stopsAfterTests } from '@countersign/testing/stops'
import { bytesOf, parseAnswer, sendBytes, type Wire } from '@countersign/testing/wire'
import { asKey } from '@countersign/testing/world/signer'
import { createAdaptorServer } from '@hono/node-server'
import express from 'express'
import Fastify from 'fastify'
import { Hono } from 'hono'
import { describe, expect, test } from 'vitest'
import { dataFrame, headFrame, preface, resetFrame } from '../../httpsig/src/http2-frames.test.fixture.js'
import { guard as guardExpress } from './adapter/express-node.js'
import { guard as guardFastify } from './adapter/fastify-node.js'
import { guard as guardHono } from './adapter/hono.js'
import { guard as guardNode } from './adapter/node.js'
import type { Requirement, ResourceEvent } from './index.js'
import { makeWorld } from './world.test.fixture.js'

// What has come in before a handler reads, by whatever it reads, and what never comes.

const world = await makeWorld()
const as = asKey(await generateSigningKey())
const stops = stopsAfterTests()

type Scopes = 'events.read' | 'events.write'

/** With time for the whole body to come in before the request is let in. */
const need: Requirement<Scopes> = {
  level: 'pseudonymous',
  body: 'stream',
  policy: async () => {
    await pause(30)
    return true
  },
}

async function listening(server: Server | ReturnType<typeof createH2Server>): Promise<number> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  stops.push(() => server.close())
  return (server.address() as AddressInfo).port
}

function watched() {
  const refused: string[] = []
  const onEvent = (event: ResourceEvent): void => {
    if (event.type === 'refused') refused.push(event.error.code)
  }
  return { resource: world.calendar({ onEvent }), refused }
}

const upload = (body?: string): Promise<Wire> =>
  world.request({
    as,
    method: 'POST',
    target: '/up',
    ...(body === undefined ? {} : { body, contentType: 'application/octet-stream' }),
  })

/** All of it in one packet, another body than was signed. */
async function chunked(port: number, wire: Wire, body: string) {
  const { body: _, ...rest } = wire
  const type = wire.headers.some(([name]) => name === 'content-type') ? [] : [['content-type', 'text/plain'] as const]
  const head = bytesOf({ ...rest, headers: [...rest.headers, ...type, ['transfer-encoding', 'chunked']] })
  const part = body === '' ? '' : `${body.length.toString(16)}\r\n${body}\r\n`
  return parseAnswer(await sendBytes(port, Buffer.concat([head, Buffer.from(`${part}0\r\n\r\n`)])))
}

/** Ways to read a request; each resolves to all it has read, where the body came to its end. */
const readers: Record<string, (request: Readable) => Promise<string>> = {
  'for await': text,
  'data and end, without error': request =>
    new Promise(resolve => {
      let all = ''
      request.on('data', chunk => (all += String(chunk))).on('end', () => resolve(all))
    }),
  'resume and end': request => new Promise(resolve => request.on('end', () => resolve('?')).resume()),
  pipe: request =>
    new Promise(resolve => {
      let all = ''
      const into = new Writable({
        write(chunk, _, done) {
          all += String(chunk)
          done()
        },
      })
      request.pipe(into.on('finish', () => resolve(all)))
    }),
  readable: request =>
    new Promise(resolve => {
      let all = ''
      request
        .on('readable', () => {
          for (let chunk: unknown = request.read(); chunk !== null; chunk = request.read()) all += String(chunk)
        })
        .on('end', () => resolve(all))
    }),
  'Readable.from': request => text(Readable.from(request)),
  toArray: async request => Buffer.concat(await request.toArray()).toString(),
}

describe.each(Object.entries(readers))('read by %s', (name, read) => {
  test(
    verifies('sig.covered.stream', 'DIG-13', `no reader gets the end of a body that is not the signed one (${name})`),
    async () => {
      const { resource, refused } = watched()
      const ended: string[] = []
      const handle = guardNode(resource, need, async (request, response) => {
        ended.push(await read(request))
        response.end('done')
      })
      const app = express()
      app.use(guardExpress(resource, need), async (request, response) => {
        ended.push(await read(request))
        response.send('done')
      })
      const onNode = createServer((request, response) => void handle(request, response).catch(() => 0))
      for (const port of [await listening(onNode), await listening(createServer(app))]) {
        const wrong: ReadonlyArray<readonly [string | undefined, string]> = [
          ['pay 10 to alice', 'pay 99 to mal!!'],
          ['pay 10 to alice', ''],
          [undefined, 'pay 99 to mal!!'],
        ]
        for (const [signed, sent] of wrong) {
          const { status, error } = await chunked(port, await upload(signed), sent)
          expect([status, error], `${signed} ${sent}`).toEqual([401, 'invalid_signature'])
        }
        expect(ended).toEqual([])
        expect(refused.splice(0)).toEqual(['invalid_signature', 'invalid_signature', 'invalid_signature'])
        expect((await chunked(port, await upload('abc'), 'abc')).body).toBe('done')
        expect((await chunked(port, await upload(), '')).body).toBe('done')
        expect(ended.splice(0)).toEqual(name === 'resume and end' ? ['?', '?'] : ['abc', ''])
      }
    },
  )
})

test(verifies('sig.covered.stream', 'a handler that answers without reading is told nothing false'), async () => {
  const { resource, refused } = watched()
  const handle = guardNode(resource, need, (_, response) => void response.writeHead(409).end('no'))
  const port = await listening(
    createServer((request: IncomingMessage, response: ServerResponse) => void handle(request, response)),
  )
  const body = 'x'.repeat(300_000)
  const first = bytesOf(await upload(body), 'keep-alive')
  const second = bytesOf(await upload('abc'))
  const socket = connect(port, '127.0.0.1')
  let said = ''
  socket.on('data', data => (said += String(data)))
  const closed = closing(socket)
  socket.write(first.subarray(0, 2000))
  await pause(100)
  socket.write(first.subarray(2000))
  socket.write(second)
  await closed
  expect([said.match(/HTTP\/1\.1 409/g)?.length, refused]).toEqual([2, []])
})

describe('HTTP/2', () => {
  const session = async (handler: (request: Readable, response: { end(text: string): unknown }) => unknown) => {
    const { resource, refused } = watched()
    const server = createH2Server()
    const handle = guardNode(resource, need, handler as never)
    server.on('request', (request, response) => void handle(request as never, response as never).catch(() => 0))
    const port = await listening(server)
    const client = h2Connect(`http://127.0.0.1:${port}`)
    client.on('error', () => undefined)
    stops.unshift(() => client.destroy())
    const headersOf = (wire: Wire): ReadonlyArray<readonly [string, string]> => [
      ...Object.entries({ ':method': 'POST', ':path': wire.target, ':authority': 'calendar.example' }),
      ...wire.headers.filter(([name]) => name !== 'host'),
    ]
    const answer = async (wire: Wire, body: string): Promise<string> => {
      const stream = client.request(Object.fromEntries(headersOf(wire)))
      stream.on('error', () => undefined)
      stream.end(body)
      return text(stream).catch(() => 'aborted')
    }
    return { port, headersOf, answer, refused }
  }

  test('a client that resets its stream early or late crashes nothing, and is no forger', async () => {
    const ended: string[] = []
    const { port, headersOf, answer, refused } = await session(async (request, response) => {
      await pause(60)
      ended.push(await text(request))
      response.end('done')
    })
    for (const after of [5, 45, 80]) {
      const headers = headersOf(await upload('x'.repeat(2000)))
      const socket = connect(port, '127.0.0.1')
      const closed = closing(socket.resume())
      const head = headFrame(1, [[':scheme', 'http'], ...headers])
      socket.write(Buffer.concat([preface, head, dataFrame(1, 'x'.repeat(1000))]))
      await pause(after)
      socket.write(resetFrame(1, 8))
      await pause(150)
      socket.destroy()
      await closed
    }
    expect(ended).toEqual([])
    expect(refused.filter(code => code === 'invalid_signature')).toEqual([])
    expect(await answer(await upload('abc'), 'abc')).toBe('done')
    expect(ended).toEqual(['abc'])
  })

  test('nor does an upload that its handler does not read', async () => {
    const { answer, refused } = await session((_, response) => response.end('no'))
    expect(await answer(await upload('x'.repeat(200_000)), 'x'.repeat(200_000))).toBe('no')
    await pause(50)
    expect(await answer(await upload('abc'), 'abc')).toBe('no')
    expect(refused).toEqual([])
  })

  test(
    verifies('sig.covered.stream', 'a body that differs from the signed one aborts its own stream only'),
    async () => {
      const ended: string[] = []
      const { answer, refused } = await session(async (request, response) => {
        ended.push(await text(request))
        response.end('done')
      })
      expect(['', 'aborted']).toContain(await answer(await upload('abc'), 'abd'))
      expect([ended, refused]).toEqual([[], ['invalid_signature']])
      expect(await answer(await upload('abc'), 'abc')).toBe('done')
    },
  )
})

test('requests that a test injects are checked as well, whatever they are made of', async () => {
  const app = Fastify()
  app.addContentTypeParser(['application/octet-stream', 'text/plain'], async (_: unknown, payload: Readable) =>
    text(payload),
  )
  app.post('/up', guardFastify(watched().resource, need), async request => request.body)
  app.post('/whole', guardFastify(watched().resource, { level: 'pseudonymous' }), async request => request.body)
  const inject = async (wire: Wire, payload: string | Readable) => {
    const headers = Object.fromEntries(wire.headers)
    return app.inject({ method: 'POST', url: wire.target, headers, payload })
  }
  expect((await inject(await upload('abc'), 'abc')).body).toBe('abc')
  expect((await inject(await upload('abc'), Readable.from([Buffer.from('abc')]))).body).toBe('abc')
  // Nothing says how long it is: it is read, and not taken for none.
  const bare = await world.request({ as, method: 'POST', target: '/whole' })
  const typed = { ...bare, headers: [...bare.headers, ['content-type', 'text/plain'] as const] }
  expect((await inject(typed, Readable.from([Buffer.from('evil')]))).statusCode).toBe(401)
})

test(verifies('DIG-13', 'a second guard does not take an unread body for a missing one'), async () => {
  const observing = world.calendar({ observe: true })
  const { resource } = watched()
  const app = new Hono()
  const failed: unknown[] = []
  app.onError((error, c) => {
    failed.push(error)
    return c.text('broken', 500)
  })
  app.use('/up', guardHono(observing, { level: 'pseudonymous', body: 'stream' }))
  app.post('/up', guardHono(resource, { level: 'pseudonymous' }), async c => c.text(await c.req.text()))
  const again = new Hono()
  again.use(async (c, next) => {
    const body = await c.req.raw.text()
    c.req.raw = new Request(c.req.raw.url, { method: 'POST', headers: c.req.raw.headers, body })
    await next()
  })
  again.post('/up', guardHono(resource, need), async c => c.text(await c.req.text()))
  const [port, replaced] = [
    await listening(createAdaptorServer(app) as Server),
    await listening(createAdaptorServer(again) as Server),
  ]
  expect((await chunked(port, await upload(), 'evil')).status).toBe(500)
  expect(failed).toEqual([expect.any(TypeError)])
  // That there is no byte is known by then.
  expect((await chunked(port, await upload(), '')).status).toBe(200)
  expect((await chunked(replaced, await upload('abc'), 'abc')).body).toBe('abc')
  expect((await chunked(replaced, await upload('abc'), 'abd')).status).toBe(401)
})
