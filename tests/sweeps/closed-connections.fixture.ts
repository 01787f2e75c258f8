import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { createServer as createHttp2Server, type Http2ServerRequest, type Http2ServerResponse } from 'node:http2'
import { createGateway } from '@countersign/gateway'
import { connectionOfNode } from '@countersign/httpsig/internal/node'
import { callerOf, guardMcp } from '@countersign/mcp'
import * as forExpress from '@countersign/resource/express'
import * as forFastify from '@countersign/resource/fastify'
import * as forFetch from '@countersign/resource/fetch'
import * as forHono from '@countersign/resource/hono'
import * as forNode from '@countersign/resource/node'
import { type MountableParticipant, mountFetch, mountHono, mountNode } from '@countersign/server'
import { createAdaptorServer } from '@hono/node-server'
import { McpServer } from '@modelcontextprotocol/server'
import express from 'express'
import Fastify, { type FastifyInstance } from 'fastify'
import { Hono } from 'hono'
import { calendar, type Listening, listening, overFetch, type Running, served } from './body-bytes.fixture.js'

// Every way in behind which a handler runs, with a handler that waits.

/** What a door's handler does, by the last segment of the path. */
export interface Handled {
  /** What it sends at once. */
  readonly first: string | undefined
  /** When it ends its answer. */
  readonly ends: Promise<void>
}

/** Runs for each request with the signals that the door gives its handler, each by name. */
export type Run = (target: string, signals: Readonly<Record<string, AbortSignal>>) => Handled

/** A way in. */
export interface Door {
  readonly name: string
  readonly http2?: true
  /** The path that its handler waits at. */
  readonly at?: string
  /** The request for a target; default: an empty one, or with a short body. */
  readonly body?: (target: string) => string
  open(run: Run): Promise<Running>
}

async function write(response: ServerResponse | Http2ServerResponse, { first, ends }: Handled): Promise<void> {
  const to = response as ServerResponse
  if (first !== undefined) to.write(first)
  await ends
  to.end('end')
}

async function answer({ first, ends }: Handled): Promise<Response> {
  if (first === undefined) {
    await ends
    return new Response('end')
  }
  const body = new ReadableStream<Uint8Array>({
    async start(controller) {
      controller.enqueue(new TextEncoder().encode(first))
      await ends
      controller.enqueue(new TextEncoder().encode('end'))
      controller.close()
    },
  })
  return new Response(body)
}

const open = { level: 'anonymous' } as const

async function nodeDoor(run: Run, http2: boolean): Promise<Running> {
  const guarded = forNode.guard<never, Http2ServerRequest, Http2ServerResponse>(
    await calendar(),
    open,
    (request, response, { signal }) => write(response, run(request.url, { signal })),
  )
  const listen = (request: unknown, response: unknown): void =>
    void guarded(request as Http2ServerRequest, response as Http2ServerResponse)
  return http2 ? listening(createHttp2Server(listen), { http2 }) : listening(createServer(listen))
}

async function expressDoor(run: Run): Promise<Running> {
  const app = express()
  app.use(forExpress.guard(await calendar(), open), async (request, response) =>
    write(response, run(request.url, { signal: request.aauth.signal })),
  )
  return listening(createServer(app))
}

async function fastifyDoor(run: Run, http2: boolean): Promise<Running> {
  // Of HTTP/2 its types are others, and its ways the same.
  const app = http2 ? (Fastify({ http2: true }) as unknown as FastifyInstance) : Fastify()
  app.all('/*', forFastify.guard(await calendar(), open), async (request, reply) => {
    reply.hijack()
    await write(reply.raw, run(request.url, { signal: request.aauth.signal }))
  })
  await app.ready()
  return listening(app.server, http2 ? { http2 } : {})
}

function overHono(app: Hono, http2: boolean): Promise<Running> {
  const server = createAdaptorServer({ fetch: app.fetch, ...(http2 ? { createServer: createHttp2Server } : {}) })
  return listening(server as Listening, http2 ? { http2 } : {})
}

async function honoDoor(run: Run, http2: boolean): Promise<Running> {
  const app = new Hono()
  app.all('/*', forHono.guard(await calendar(), open), c =>
    answer(run(c.req.path, { signal: c.var.aauth.signal, own: c.req.raw.signal })),
  )
  return overHono(app, http2)
}

async function fetchDoor(run: Run, http2: boolean): Promise<Running> {
  const guarded = forFetch.guard(await calendar(), open, (request, { signal }) =>
    answer(run(new URL(request.url).pathname, { signal, own: request.signal })),
  )
  return listening(overFetch(http2, guarded), http2 ? { http2 } : {})
}

function participant(run: Run): MountableParticipant {
  return {
    paths: ['/wait', '/stream', '/done', '/parts'],
    async handle({ target, connection }) {
      if (connection === undefined) throw new TypeError('the message does not tell of its connection')
      return answer(run(target, { signal: connection.signal }))
    },
  }
}

/** An API without AAuth. Its signals are those of the gateway's own connection. */
function api(run: Run): Promise<Running> {
  return listening(
    createServer((request: IncomingMessage, response: ServerResponse) => {
      request.resume()
      void write(response, run(request.url ?? '', { signal: connectionOfNode(request, response).signal }))
    }),
  )
}

async function gatewayDoor(run: Run): Promise<Running> {
  const upstream = await api(run)
  const routes = [
    { path: '/*', requirement: open },
    { path: '/mcp', requirement: open, mcp: {} },
  ]
  return served(createGateway({ resource: await calendar(), upstream: `http://127.0.0.1:${upstream.port}`, routes }), {
    stop: upstream.stop,
  })
}

async function mcpServer(run: Run): Promise<MountableParticipant> {
  const make = () => {
    const server = new McpServer({ name: 'door', version: '1' }, { capabilities: { logging: {} } })
    for (const target of ['/wait', '/stream', '/done', '/parts'])
      server.registerTool(target.slice(1), {}, async ({ mcpReq, http }) => {
        const { signal: caller } = callerOf({ http })
        const { first, ends } = run(target, { [ofSdk]: mcpReq.signal, signal: caller })
        if (first !== undefined)
          await mcpReq.notify({ method: 'notifications/message', params: { level: 'info', data: first } })
        await ends
        return { content: [{ type: 'text', text: 'end' }] }
      })
    return server
  }
  return guardMcp(make, await calendar(), { session: open, tools: { '*': open } })
}

/** A call of the tool of a target. */
function call(target: string): string {
  const params = {
    name: target.slice(1),
    arguments: {},
    _meta: {
      'io.modelcontextprotocol/protocolVersion': '2026-07-28',
      'io.modelcontextprotocol/clientInfo': { name: 'caller', version: '1' },
      'io.modelcontextprotocol/clientCapabilities': {},
      'io.modelcontextprotocol/logLevel': 'info',
    },
  }
  return JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params })
}

/** The SDK aborts its own after each answer. */
export const ofSdk = 'mcpReq'

const mcp = { at: '/mcp', body: call }

async function mcpBehindGateway(run: Run): Promise<Running> {
  const upstream = await served(await mcpServer(run))
  const routes = [{ path: '/mcp', requirement: open, mcp: { tools: { '*': open } } }]
  return served(createGateway({ resource: await calendar(), upstream: `http://127.0.0.1:${upstream.port}`, routes }), {
    stop: upstream.stop,
  })
}

const both = (name: string, make: (run: Run, http2: boolean) => Promise<Running>): Door[] => [
  { name, open: run => make(run, false) },
  { name: `${name}, HTTP/2`, http2: true, open: run => make(run, true) },
]

export const doors: readonly Door[] = [
  { name: 'serve', open: run => served(participant(run)) },
  {
    name: 'mountNode',
    open: run => listening(createServer((request, response) => void mountNode(participant(run))(request, response))),
  },
  ...both('mountHono', (run, http2) => overHono(new Hono().use(mountHono(participant(run))) as Hono, http2)),
  ...both('mountFetch', (run, http2) => {
    const mounted = mountFetch(participant(run))
    const server = overFetch(http2, async request => (await mounted(request)) ?? new Response(null, { status: 404 }))
    return listening(server, http2 ? { http2 } : {})
  }),
  ...both('guard of node:http', nodeDoor),
  { name: 'guard of Express', open: expressDoor },
  ...both('guard of Fastify', fastifyDoor),
  ...both('guard of Hono', honoDoor),
  ...both('guard of a Fetch handler', fetchDoor),
  { name: 'gateway', open: gatewayDoor },
  { name: 'guardMcp, served', ...mcp, open: async run => served(await mcpServer(run)) },
  {
    name: 'guardMcp, mounted',
    ...mcp,
    async open(run) {
      const mounted = mountNode(await mcpServer(run))
      return listening(createServer((request, response) => void mounted(request, response)))
    },
  },
  {
    name: 'guardMcp, mounted in Hono',
    ...mcp,
    open: async run => overHono(new Hono().use(mountHono(await mcpServer(run))) as Hono, false),
  },
  { name: 'guardMcp behind a gateway', ...mcp, open: mcpBehindGateway },
]
