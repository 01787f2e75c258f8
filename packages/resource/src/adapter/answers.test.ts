import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import {
  connect as connect2,
  createServer as createServer2,
  type Http2ServerRequest,
  type Http2ServerResponse,
} from 'node:http2'
import { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { verifies } from '@countersign/requirements'
import { listenOn } from '@countersign/testing/listening'
import { stopsAfterTests } from '@countersign/testing/stops'
import type { Answer, Wire } from '@countersign/testing/wire'
import { asHolder } from '@countersign/testing/world/signer'
import { createAdaptorServer } from '@hono/node-server'
import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response'
import express from 'express'
import { Hono } from 'hono'
import { describe, expect, test, vi } from 'vitest'
import { inProcess, listening, type Site } from '../site.test.fixture.js'
import { calendarId, makeWorld } from '../world.test.fixture.js'
import * as forExpress from './express-node.js'
import * as forFetch from './fetch.js'
import * as forHono from './hono.js'
import * as forNode from './node.js'

// Ways in which handlers answer that only some frameworks have.

const world = await makeWorld()
const stops = stopsAfterTests()
const read = { scope: 'events.read' } as const

async function visit(made: Site | Promise<Site>): Promise<(fields: readonly string[]) => Promise<Answer>> {
  const site = await made
  stops.push(() => site.stop())
  return async fields => {
    const constraints = [{ type: 'data', resource: calendarId, fields }]
    const wire: Wire = await world.request({
      as: asHolder(world.delegateKey, await world.authToken({ constraints })),
      target: '/a',
    })
    return site.send(wire)
  }
}

type Handler = (request: IncomingMessage, response: ServerResponse) => unknown

const onNode = (handler: Handler) => visit(listening(createServer(forNode.guard(world.calendar(), read, handler))))
const told = ({ status, body, reason }: Answer) => [status, reason ?? body]
const json = { 'content-type': 'application/json' }

describe('answers under data', () => {
  test(verifies('DEL-54', 'a body may come in pieces, from a pipe, or all at once'), async () => {
    const handlers: Handler[] = [
      (_, response) => {
        response.setHeader('content-type', 'application/json')
        response.write('{"a":1,')
        response.write(Buffer.from('"b":2'), () => response.end('}'))
      },
      (_, response) => Readable.from(['{"a":1', ',"b":2}']).pipe(response.writeHead(200, json)),
      (_, response) => response.writeHead(200, 'hidden', json).end('7b2261223a312c2262223a327d', 'hex'),
      (_, response) => new Promise<void>(resolve => response.writeHead(200, json).end('{"a":1,"b":2}', resolve)),
    ]
    for (const handler of handlers) expect(told(await (await onNode(handler))(['/a']))).toEqual([200, '{"a":1}'])
  })

  test(
    verifies('DEL-54', 'a handler of Hono that writes to the response of Node writes to the same answer'),
    async () => {
      for (const soon of [(write: () => void) => write(), (write: () => void) => void setTimeout(write, 1)]) {
        const app = new Hono<{ Bindings: { outgoing: ServerResponse } }>()
        app.get('/a', forHono.guard(world.calendar(), read), c => {
          const { outgoing } = c.env
          soon(() => outgoing.writeHead(200, { ...json, etag: 'hidden' }).end('{"a":1,"b":"hidden"}'))
          // A copy: after another test has started `@hono/node-server`, that package overlooks the header of its own constant.
          return RESPONSE_ALREADY_SENT.clone()
        })
        const get = await visit(listening(createAdaptorServer({ fetch: app.fetch }) as Server))
        const { status, body, headers } = await get(['/a'])
        expect([status, body, headers.get('etag') ?? null]).toEqual([200, '{"a":1}', null])
      }
    },
  )

  test(
    verifies('DEL-58', 'a stream of events is refused at once, and its handler is told that nobody reads'),
    async () => {
      let isClosed = false
      const get = await onNode((_, response) => {
        response.once('close', () => {
          isClosed = true
        })
        response.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders()
        setTimeout(() => response.write('data: hidden\n\n'), 1)
      })
      expect(told(await get(['/a']))).toEqual([403, 'answer_withheld'])
      await vi.waitFor(() => expect(isClosed).toBe(true))
      const endless = () =>
        new ReadableStream({ pull: controller => controller.enqueue(new TextEncoder().encode('data: hidden\n\n')) })
      const events = () => new Response(endless(), { headers: { 'content-type': 'text/event-stream' } })
      const plan = { ran: 0, failed: [], log: [], resource: world.calendar() }
      const fetched = await visit(inProcess(forFetch.guard(world.calendar(), read, events), plan))
      expect(told(await fetched(['/a']))).toEqual([403, 'answer_withheld'])
      const long = () => new Response(`{"a":"${'x'.repeat(1_048_569)}"}`, { headers: json })
      const lasting = await visit(inProcess(forFetch.guard(world.calendar(), read, long), plan))
      expect(told(await lasting(['/a']))).toEqual([403, 'answer_withheld'])
    },
  )

  test(
    verifies('policy.data', 'what a second guard says goes out as it is, and what both let through once'),
    async () => {
      const resource = world.calendar()
      const app = express()
      app.use(forExpress.guard(resource, read))
      app.get(
        '/a',
        forExpress.guard(resource, { scope: 'events.write' }),
        (_, response) => void response.json({ a: 1, b: 2 }),
      )
      const narrow = await visit(listening(createServer(app)))
      expect(told(await narrow(['/a']))).toEqual([403, 'scope_missing'])
      const twice = express()
      twice.use(forExpress.guard(resource, read))
      twice.get('/a', forExpress.guard(resource, read), (_, response) => void response.json({ a: 1, b: 2 }))
      const both = await visit(listening(createServer(twice)))
      expect(told(await both(['/a']))).toEqual([200, '{"a":1}'])
      const hono = new Hono().use(forHono.guard(resource, read))
      hono.get('/a', forHono.guard(resource, { scope: 'events.write' }), c => c.json({ a: 1, b: 2 }))
      const refused = await visit(listening(createAdaptorServer({ fetch: hono.fetch })))
      expect(told(await refused(['/a']))).toEqual([403, 'scope_missing'])
      const again = new Hono().use(forHono.guard(resource, read))
      again.get('/a', forHono.guard(resource, read), c => c.text('hidden'))
      const kept = await visit(listening(createAdaptorServer({ fetch: again.fetch })))
      expect(told(await kept(['/a']))).toEqual([403, 'answer_withheld'])
    },
  )

  test(verifies('exchange.answers', 'what a call of the handler comes to goes out as it is'), async () => {
    const away = async (): Promise<Response> => {
      throw new TypeError('fetch failed')
    }
    const resource = world.calendar({ downstream: { acceptAuthServer: 'any', fetch: away } })
    const app = express()
    app.get('/a', forExpress.guard(resource, read), async (request, response) => {
      response.set('x-secret', 'hidden')
      response.json((await request.aauth.fetch('https://rooms.example/bookings')).status)
    })
    app.use(forExpress.setbacks)
    const get = await visit(listening(createServer(app)))
    const answer = await get(['/a'])
    expect([answer.status, answer.error, answer.headers.get('x-secret')]).toEqual([
      503,
      'temporarily_unavailable',
      undefined,
    ])
  })

  test(verifies('DEL-54', 'DEL-59', 'HTTP/2: the same, without trailers and pushes'), async () => {
    const handle = forNode.guard(world.calendar(), read, (_: Http2ServerRequest, response: Http2ServerResponse) => {
      response.createPushResponse({ ':path': '/hidden' }, () => undefined)
      response.addTrailers({ 'x-sum': 'hidden' })
      response.writeHead(200, { ...json, etag: 'hidden' })
      response.write('{"a":1,')
      response.end('"b":2}')
    })
    const server = createServer2((request, response) => void handle(request, response))
    const port = await listenOn(server)
    const constraints = [{ type: 'data', resource: calendarId, fields: ['/a'] }]
    const as = asHolder(world.delegateKey, await world.authToken({ constraints }))
    const wire = await world.request({ as, target: '/a' })
    const session = connect2(`http://127.0.0.1:${port}`)
    stops.push(async () => {
      session.close()
      server.close()
    })
    const lines = wire.headers.filter(([name]) => name !== 'host')
    const head = { ':path': '/a', ':authority': 'calendar.example', ...Object.fromEntries(lines) }
    const stream = session.request(head)
    const told: object[] = []
    stream.on('response', each => told.push(each))
    stream.on('trailers', each => told.push(each))
    expect(await text(stream)).toBe('{"a":1}')
    expect(told).toEqual([expect.objectContaining({ ':status': 200, 'content-length': '7' })])
    expect(JSON.stringify(told)).not.toContain('hidden')
  })

  test(verifies('DEL-61', 'of an error of the handler nothing goes out'), async () => {
    const app = express()
    app.get('/a', forExpress.guard(world.calendar(), read), (_, response) => {
      response.type('json').write('{"a":"hidden"')
      throw new Error('hidden')
    })
    app.use(
      ((_error, _request, response, _next) => void response.status(500).send('hidden')) as express.ErrorRequestHandler,
    )
    const get = await visit(listening(createServer(app)))
    expect(told(await get(['/a']))).toEqual([500, ''])
  })
})
