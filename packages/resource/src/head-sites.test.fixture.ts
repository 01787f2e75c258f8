import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { setTimeout as pause } from 'node:timers/promises'
import { type Answer, bytesOf, parseAnswer, type Wire } from '@countersign/testing/wire'
import { createAdaptorServer } from '@hono/node-server'
import express from 'express'
import Fastify from 'fastify'
import { Hono } from 'hono'
import { guard as guardExpress } from './adapter/express-node.js'
import { guard as guardFastify } from './adapter/fastify-node.js'
import { guard as guardFetch } from './adapter/fetch.js'
import { guard as guardHono } from './adapter/hono.js'
import { guard as guardNode } from './adapter/node.js'
import type { Requirement, Resource } from './index.js'

export type Scopes = 'events.read' | 'events.write'

/** What is guarded, and the bodies that its handler has read. */
export interface Guarded {
  readonly resource: Resource<Scopes>
  readonly need: Requirement<Scopes>
  readonly bodies: string[]
}

/** What a platform that shows no connection says of it. */
const peer = (): string => '127.0.0.1'

/** Each guards every path, and its handler notes the body. */
export const sites: Readonly<Record<string, (o: Guarded) => Promise<Server>>> = {
  'node:http': async ({ resource, need, bodies }) => {
    const handle = guardNode<Scopes, IncomingMessage, ServerResponse>(resource, need, async (request, response) => {
      bodies.push(await text(request))
      response.end('done')
    })
    return createServer((request, response) => void handle(request, response).catch(() => 0))
  },
  Express: async ({ resource, need, bodies }) => {
    const app = express()
    app.use(guardExpress(resource, need), async (request, response) => {
      bodies.push(await text(request))
      response.send('done')
    })
    return createServer(app)
  },
  Fastify: async ({ resource, need, bodies }) => {
    const app = Fastify()
    app.post('/*', guardFastify(resource, need), async ({ body }) => {
      bodies.push(JSON.stringify(body))
      return 'done'
    })
    await app.ready()
    return app.server
  },
  Hono: async ({ resource, need, bodies }) => {
    const app = new Hono()
    app.post('/*', guardHono(resource, need), async c => {
      bodies.push(await c.req.text())
      return c.text('done')
    })
    return createAdaptorServer(app) as Server
  },
  'Hono where only a Fetch request is to be had': async ({ resource, need, bodies }) => {
    const app = new Hono()
    app.post('/*', guardHono(resource, need, { peer }), async c => {
      bodies.push(await c.req.text())
      return c.text('done')
    })
    return createAdaptorServer({ fetch: request => app.fetch(request) }) as Server
  },
  Fetch: async ({ resource, need, bodies }) => {
    const guarded = guardFetch(
      resource,
      need,
      async request => {
        bodies.push(await request.text())
        return new Response('done')
      },
      { peer },
    )
    return createAdaptorServer({ fetch: request => guarded(request) }) as Server
  },
}

/** A request whose body is not sent yet. */
export interface SlowRequest {
  /** The answer, if it arrives within so many milliseconds. */
  answer(patience: number): Promise<Answer | undefined>
  /** Sends the body; resolves with the answer. */
  finish(): Promise<Answer | undefined>
  end(): void
}

/** Sends the head of a request. */
export async function sendHead(port: number, wire: Wire): Promise<SlowRequest> {
  const { body = new Uint8Array(), ...head } = wire
  const socket = connect(port, '127.0.0.1')
  await once(socket, 'connect')
  const chunks: Buffer[] = []
  let over = false
  socket.on('data', chunk => chunks.push(chunk)).on('error', () => undefined)
  const closed = once(socket, 'close').then(() => {
    over = true
  })
  const begun = new Promise<void>(resolve => socket.once('data', () => resolve()))
  socket.write(bytesOf({ ...head, headers: [...head.headers, ['transfer-encoding', 'chunked']] }))
  return {
    async answer(patience) {
      await Promise.race([begun, pause(patience)])
      if (chunks.length === 0) return undefined
      // Nothing more comes: the connection is closed, or kept for a second in which the body may be dropped.
      await Promise.race([closed, pause(1500)])
      return parseAnswer(Buffer.concat(chunks))
    },
    async finish() {
      if (!over) socket.write(`${body.length.toString(16)}\r\n${Buffer.from(body).toString('latin1')}\r\n0\r\n\r\n`)
      await Promise.race([closed, pause(5000)])
      return chunks.length === 0 ? undefined : parseAnswer(Buffer.concat(chunks))
    },
    end: () => socket.destroy(),
  }
}

/** Serves one of the sites. */
export async function serve(server: Server): Promise<{ readonly port: number; stop(): void }> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const stop = (): void => {
    server.close()
    server.closeAllConnections()
  }
  return { port: (server.address() as AddressInfo).port, stop }
}
