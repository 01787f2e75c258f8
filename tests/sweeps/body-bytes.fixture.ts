import { createServer, type Server } from 'node:http'
import { createServer as createHttp2Server, type Http2ServerRequest, type Http2ServerResponse } from 'node:http2'
import type { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { createAgentServer } from '@countersign/agent-server'
import { createAuthServer } from '@countersign/auth-server'
import { createDiscovery } from '@countersign/discovery'
import { createCheck, createGateway } from '@countersign/gateway'
import { generateSigningKey, type ReceivedMessage, readBody, type SigningKey } from '@countersign/httpsig'
import { fromNode, peekNode, receiveNode } from '@countersign/httpsig/node'
import { guardMcp } from '@countersign/mcp'
import { guardMcp as guardMcpOfSdk1 } from '@countersign/mcp-sdk1'
import { createResource, type Requirement, type Resource } from '@countersign/resource'
import * as forExpress from '@countersign/resource/express'
import * as forFastify from '@countersign/resource/fastify'
import * as forFetch from '@countersign/resource/fetch'
import * as forHono from '@countersign/resource/hono'
import * as forNode from '@countersign/resource/node'
import {
  type MountableParticipant,
  mountFetch,
  mountHono,
  mountNode,
  type Participant,
  serve,
} from '@countersign/server'
import { listenOn } from '@countersign/testing/listening'
import { createAdaptorServer } from '@hono/node-server'
import { McpServer as McpServerOfSdk1 } from '@modelcontextprotocol/sdk/server/mcp.js'
import { McpServer } from '@modelcontextprotocol/server'
import express from 'express'
import Fastify, { type FastifyInstance } from 'fastify'
import { Hono } from 'hono'

// Everything that takes a request from a network, as a server that runs.

export const id = 'https://calendar.example'

/** What handlers were given. */
export interface Seen {
  readonly bodies: string[]
}

export interface Running {
  readonly port: number
  /** HTTP/2 in clear text. */
  readonly http2?: true
  stop(): unknown
}

/** A way in. */
export interface Door {
  /** The exports that it goes through: `package/subpath:name`. */
  readonly of: readonly string[]
  /** Where a signed POST without a body is sent, and what it is answered with where nothing is wrong with it. */
  readonly target: string
  readonly twin: number
  /** What it answers to a method in lower case over HTTP/2, where it has no such route or never sees it; default 400. */
  readonly lowerCase?: number
  readonly hidesBodyOfGet?: true
  /** A server of the user's own reads there, by itself. */
  readonly hidesHead?: true
  /** Which rule a request is for stands in its body. */
  readonly bodyNamesRule?: true
  open(seen: Seen): Promise<Running>
}

const silent = { signals: false, announce: () => undefined, log: quietLog() } as const

function quietLog() {
  const none = (): void => undefined
  return { error: none, warn: none, info: none, debug: none }
}

async function keys(): Promise<Array<{ kid: string; key: SigningKey }>> {
  return [{ kid: 'k1', key: await generateSigningKey() }]
}

const discovery = () =>
  createDiscovery({ fetcher: async () => ({ status: 404, contentType: 'text/plain', body: new Uint8Array() }) })

/** Its replay set accepts requests that are signed from now on, so that no test has to wait. */
export async function calendar(): Promise<Resource<never>> {
  const authServers = ['https://auth.example']
  return createResource({ id, keys: await keys(), authServers, discovery: discovery() })
}

const known: Requirement<never> = { level: 'pseudonymous' }
const streamed: Requirement<never> = { level: 'pseudonymous', body: 'stream' }

export interface Listening {
  listen(port: number, host: string, ready: () => void): unknown
  address(): unknown
  close(): unknown
}

export async function listening(server: Listening, more: { http2?: true; stop?(): unknown } = {}): Promise<Running> {
  const port = await listenOn(server)
  const stop = async (): Promise<void> => {
    server.close()
    await more.stop?.()
  }
  return { port, stop, ...(more.http2 === undefined ? {} : { http2: more.http2 }) }
}

type Fetch = (request: Request) => Promise<Response>

/** Over both versions, what a Fetch handler answers. */
export function overFetch(http2: boolean, fetch: Fetch): Listening {
  return createAdaptorServer({ fetch, ...(http2 ? { createServer: createHttp2Server } : {}) }) as Listening
}

async function nodeDoor(seen: Seen, need: Requirement<never>, http2: boolean): Promise<Running> {
  const resource = await calendar()
  const known = forNode.wellKnown(resource)
  const guarded = forNode.guard<never, Http2ServerRequest, Http2ServerResponse>(
    resource,
    need,
    async (request, response) => {
      seen.bodies.push(await text(request))
      response.end('done')
    },
  )
  const answer = async (request: Http2ServerRequest, response: Http2ServerResponse): Promise<void> => {
    if (!(await known(request, response))) await guarded(request, response)
  }
  const listen = (request: unknown, response: unknown): void => {
    answer(request as Http2ServerRequest, response as Http2ServerResponse).catch(() => undefined)
  }
  return http2 ? listening(createHttp2Server(listen), { http2 }) : listening(createServer(listen))
}

async function expressDoor(seen: Seen, need: Requirement<never>): Promise<Running> {
  const resource = await calendar()
  const app = express()
  app.use(forExpress.wellKnown(resource))
  app.use(forExpress.guard(resource, need), async (request, response) => {
    seen.bodies.push(await text(request))
    response.send('done')
  })
  app.use((_: unknown, __: express.Request, response: express.Response, ___: unknown) => response.status(500).end())
  return listening(createServer(app))
}

async function fastifyDoor(seen: Seen, need: Requirement<never>, http2: boolean): Promise<Running> {
  const resource = await calendar()
  // Of HTTP/2 its types are others, and its ways the same.
  const app = http2 ? (Fastify({ http2: true }) as unknown as FastifyInstance) : Fastify()
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', async (_: unknown, payload: Readable) => text(payload))
  app.addHook('onRequest', forFastify.wellKnown(resource))
  app.all('/*', forFastify.guard(resource, need), async ({ body, raw }) => {
    seen.bodies.push(typeof body === 'string' ? body : await text(raw))
    return 'done'
  })
  await app.ready()
  return listening(app.server, http2 ? { http2 } : {})
}

async function honoDoor(seen: Seen, need: Requirement<never>, http2: boolean): Promise<Running> {
  const resource = await calendar()
  const app = new Hono()
  app.use(forHono.wellKnown(resource))
  app.all('/*', forHono.guard(resource, need), async c => {
    // Of a GET, Fetch shows no body: Node's own request might.
    const { incoming } = c.env as { incoming: NodeJS.ReadableStream & { readableDidRead: boolean } }
    const own = c.req.raw.body === null && !incoming.readableDidRead ? await text(incoming) : await c.req.text()
    seen.bodies.push(own)
    return c.text('done')
  })
  const server = createAdaptorServer({ fetch: app.fetch, ...(http2 ? { createServer: createHttp2Server } : {}) })
  return listening(server as Listening, http2 ? { http2 } : {})
}

async function fetchDoor(seen: Seen, need: Requirement<never>, http2: boolean): Promise<Running> {
  const resource = await calendar()
  const known = forFetch.wellKnown(resource)
  const guarded = forFetch.guard(resource, need, async request => {
    seen.bodies.push(await request.text())
    return new Response('done')
  })
  const server = overFetch(http2, async request => (await known(request)) ?? guarded(request))
  return listening(server, http2 ? { http2 } : {})
}

/** A participant that guards one path, as servers and mounts run it. */
async function guarded(seen: Seen): Promise<MountableParticipant> {
  const resource = await calendar()
  return {
    paths: ['/feed'],
    async handle(message) {
      const authorization = await resource.authorize(message, known)
      if (!authorization.ok) return authorization.response
      seen.bodies.push(Buffer.from((await readBody(message)).body ?? []).toString())
      return new Response('done')
    },
  }
}

export async function served(participant: Participant, more: { stop?(): unknown } = {}): Promise<Running> {
  const running = await serve({ name: 'door', id, port: 0, host: '127.0.0.1', participant, drain: 1, ...silent })
  return {
    port: running.port,
    stop: async () => {
      await running.close()
      await more.stop?.()
    },
  }
}

async function mcpDoor(seen: Seen): Promise<Running> {
  const resource = await calendar()
  const participant = guardMcp(
    () => {
      seen.bodies.push('a request')
      return new McpServer({ name: 'door', version: '1' })
    },
    resource,
    { session: known },
  )
  return listening(createServer((request, response) => void mountNode(participant)(request, response)))
}

async function sdk1Door(seen: Seen): Promise<Running> {
  const resource = await calendar()
  const participant = guardMcpOfSdk1(
    () => {
      seen.bodies.push('a session')
      return new McpServerOfSdk1({ name: 'door', version: '1' })
    },
    resource,
    { session: known },
  )
  return listening(createServer((request, response) => void mountNode(participant)(request, response)))
}

/** An API without AAuth. */
function api(seen: Seen): Server {
  return createServer(async (request, response) => {
    seen.bodies.push(await text(request))
    response.end('done')
  })
}

async function gatewayDoor(seen: Seen): Promise<Running> {
  const upstream = await listening(api(seen))
  const routes = [
    { path: '/*', requirement: known },
    { path: '/mcp', requirement: known, mcp: {} },
  ]
  const gateway = createGateway({ resource: await calendar(), upstream: `http://127.0.0.1:${upstream.port}`, routes })
  return served(gateway, upstream)
}

async function checkDoor(seen: Seen, proxy: 'envoy' | 'nginx'): Promise<Running> {
  const routes = [{ path: '/*', requirement: known }]
  const bodies = proxy === 'envoy' ? 'seen' : 'refuse'
  const check = createCheck({ resource: await calendar(), routes, proxy, bodies })
  return served({
    ...check,
    async handle(message) {
      const response = await check.handle(message)
      // The proxy would now hand the request on.
      if (response.status === 200) seen.bodies.push(Buffer.from((await readBody(message)).body ?? []).toString())
      return response
    },
  })
}

type NodeReader = (request: Parameters<typeof fromNode>[0]) => Promise<ReceivedMessage>

async function readerDoor(seen: Seen, read: NodeReader): Promise<Running> {
  const resource = await calendar()
  return listening(
    createServer(async (request, response) => {
      try {
        const message = await read(request)
        const authorization = await resource.authorize(message, known)
        const { status } = authorization.ok ? { status: 200 } : authorization.response
        if (authorization.ok) seen.bodies.push(await text(request))
        response.writeHead(status, { connection: 'close' }).end()
      } catch (error) {
        response.writeHead((error as { status?: number }).status ?? 500, { connection: 'close' }).end()
      }
    }),
  )
}

const both = <T>(make: (http2: boolean) => T): T[] => [make(false), make(true)]
const adapter = (name: string): string[] => ['guard', 'wellKnown'].map(one => `resource/${name}:${one}`)
const route = { target: '/feed', twin: 200 } as const

type Adapter = readonly [name: string, open: (seen: Seen, need: Requirement<never>, http2: boolean) => Promise<Running>]

const odd: Readonly<Record<string, Pick<Door, 'lowerCase' | 'hidesBodyOfGet'>>> = {
  fastify: { lowerCase: 404 },
  fetch: { lowerCase: 401, hidesBodyOfGet: true },
}

const adapters: readonly Adapter[] = [
  ['node', nodeDoor],
  ['fastify', fastifyDoor],
  ['hono', honoDoor],
  ['fetch', fetchDoor],
]

export const doors: readonly Door[] = [
  ...[known, streamed].flatMap(need => [
    ...adapters.flatMap(([name, open]) =>
      both((http2): Door => ({ of: adapter(name), ...route, ...odd[name], open: seen => open(seen, need, http2) })),
    ),
    { of: adapter('express'), ...route, open: (seen: Seen) => expressDoor(seen, need) },
  ]),
  ...adapters.map(
    ([name, open]): Door => ({
      of: adapter(name),
      target: '/aauth/resource-token',
      twin: 401,
      open: seen => open(seen, known, false),
    }),
  ),
  { of: adapter('express'), target: '/aauth/resource-token', twin: 401, open: seen => expressDoor(seen, known) },
  { of: ['server:serve'], ...route, open: async seen => served(await guarded(seen)) },
  {
    of: ['server:mountNode'],
    ...route,
    async open(seen) {
      const mounted = mountNode(await guarded(seen))
      return listening(createServer((request, response) => void mounted(request, response)))
    },
  },
  ...both(
    (http2): Door => ({
      of: ['server:mountHono'],
      ...route,
      async open(seen) {
        const app = new Hono()
        app.use(mountHono(await guarded(seen)))
        const server = createAdaptorServer({ fetch: app.fetch, ...(http2 ? { createServer: createHttp2Server } : {}) })
        return listening(server as Listening, http2 ? { http2 } : {})
      },
    }),
  ),
  {
    of: ['server:mountFetch'],
    ...route,
    async open(seen) {
      const mounted = mountFetch(await guarded(seen))
      return listening(
        overFetch(false, async request => (await mounted(request)) ?? new Response(null, { status: 404 })),
      )
    },
  },
  { of: ['mcp:guardMcp', 'mcp/internal:mountOf'], target: '/mcp', twin: 400, bodyNamesRule: true, open: mcpDoor },
  { of: ['mcp-sdk1:guardMcp'], target: '/mcp', twin: 400, bodyNamesRule: true, open: sdk1Door },
  { of: ['gateway:createGateway'], ...route, open: gatewayDoor },
  { of: ['gateway:createGateway'], target: '/mcp', twin: 400, bodyNamesRule: true, open: gatewayDoor },
  {
    of: ['gateway:createCheck'],
    hidesHead: true,
    target: '/check/feed',
    twin: 200,
    open: seen => checkDoor(seen, 'envoy'),
  },
  {
    of: ['auth-server:createAuthServer'],
    target: '/agent/token',
    twin: 401,
    open: async () => {
      const server = await createAuthServer({
        issuer: id,
        keys: await keys(),
        database: 'sqlite::memory:',
        discovery: discovery(),
        policy: async () => undefined as never,
      })
      return served(server)
    },
  },
  {
    of: ['agent-server:createAgentServer'],
    target: '/delegate/token',
    twin: 400,
    open: async () => served(await createAgentServer({ id, keys: await keys(), database: 'sqlite::memory:' })),
  },
  {
    of: ['httpsig/node:fromNode'],
    hidesHead: true,
    ...route,
    open: seen => readerDoor(seen, request => fromNode(request, { bodyLimit: 1000 })),
  },
  {
    of: ['httpsig/node:peekNode'],
    hidesHead: true,
    ...route,
    open: seen => readerDoor(seen, request => peekNode(request, { bodyLimit: 1000 })),
  },
  {
    of: ['httpsig/node:receiveNode'],
    hidesHead: true,
    ...route,
    open: seen => readerDoor(seen, request => receiveNode(request, { bodyLimit: 1000, leaveBody: true })),
  },
]
