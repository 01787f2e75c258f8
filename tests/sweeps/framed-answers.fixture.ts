import { createServer, type OutgoingHttpHeaders, type ServerResponse } from 'node:http'
import { createServer as createHttp2Server, type Http2ServerRequest, type Http2ServerResponse } from 'node:http2'
import { createServer as createTcpServer } from 'node:net'
import { createGateway } from '@countersign/gateway'
import type { Requirement } from '@countersign/resource'
import * as forExpress from '@countersign/resource/express'
import * as forFastify from '@countersign/resource/fastify'
import * as forFetch from '@countersign/resource/fetch'
import * as forHono from '@countersign/resource/hono'
import * as forNode from '@countersign/resource/node'
import { type MountableParticipant, mountFetch, mountHono, mountNode } from '@countersign/server'
import { createAdaptorServer } from '@hono/node-server'
import express from 'express'
import Fastify, { type FastifyInstance } from 'fastify'
import { Hono } from 'hono'
import { calendar, type Listening, listening, overFetch, type Running, served } from './body-bytes.fixture.js'

// Every way in, with handlers and APIs that answer as a request asks: `x-plan: STATUS KIND`.

/** What an answer says of its body, and what it has of it: the body is `hello`. */
export type Kind = 'none' | 'length' | 'body' | 'chunked' | 'trailers' | 'long' | 'short' | 'spoilt'

export interface Plan {
  readonly status: number
  readonly kind: Kind
}

/** The `Content-Length` of a kind. */
const lengths: Readonly<Partial<Record<Kind, string>>> = {
  length: '5',
  body: '5',
  long: '3',
  short: '9',
  spoilt: '5, 5',
}

const bodiless: ReadonlySet<number> = new Set([204, 205, 304])

/** A way in. */
export interface Door {
  readonly name: string
  readonly http2?: true
  readonly path: string
  readonly methods: readonly string[]
  readonly kinds: readonly Kind[]
  /** Handlers of Node write to its own response: what they say of 205, 304 and HEAD goes out. */
  readonly isNode?: true
  /** It refuses requests for `/closed`. */
  readonly refuses?: true
  open(): Promise<Running>
}

function planOf(value: string | null | undefined): Plan {
  const [status = '200', kind = 'body'] = value?.split(' ') ?? []
  return { status: Number(status), kind: kind as Kind }
}

/** A plan as a Fetch handler carries it out. */
function answerOf({ status, kind }: Plan): Response {
  const length = lengths[kind]
  const headers = new Headers(length === undefined ? {} : { 'content-length': length })
  if (kind === 'trailers') headers.set('trailer', 'x-after')
  if (kind === 'chunked') headers.set('transfer-encoding', 'chunked')
  if (kind === 'none' || kind === 'length' || bodiless.has(status)) return new Response(null, { status, headers })
  if (kind === 'body') return new Response('hello', { status, headers })
  const parts = ['he', 'llo']
  const stream = new ReadableStream<Uint8Array>({
    async pull(controller) {
      await new Promise(resolve => setTimeout(resolve, 5))
      const part = parts.shift()
      if (part === undefined) controller.close()
      else controller.enqueue(new TextEncoder().encode(part))
    },
  })
  return new Response(stream, { status, headers })
}

/** A plan as a handler of Node carries it out. */
function write(response: ServerResponse | Http2ServerResponse, { status, kind }: Plan): void {
  const to = response as ServerResponse
  const length = lengths[kind]
  const headers: OutgoingHttpHeaders = length === undefined ? {} : { 'content-length': length }
  to.writeHead(status, headers)
  if (kind === 'none' || kind === 'length' || bodiless.has(status)) to.end()
  else if (kind === 'body') to.end('hello')
  else {
    to.write('he')
    setTimeout(() => to.end('llo'), 5)
  }
}

/** An API that sends the bytes of a plan, whatever HTTP says of them. */
function api(): Promise<Running> {
  const server = createTcpServer(socket => {
    let text = ''
    socket.on('error', () => undefined)
    socket.on('data', chunk => {
      text += chunk
      for (let at = text.indexOf('\r\n\r\n'); at >= 0; at = text.indexOf('\r\n\r\n')) {
        const length = Number(/^content-length: (\d+)\r$/im.exec(text.slice(0, at + 2))?.[1] ?? 0)
        if (text.length < at + 4 + length) return
        const plan = /^x-plan: (.*)\r$/im.exec(text.slice(0, at + 2))?.[1]
        text = text.slice(at + 4 + length)
        socket.write(bytesOf(planOf(plan)))
        // Nothing more will come.
        if (plan?.endsWith(' short') || plan?.endsWith(' length')) setTimeout(() => socket.end(), 20)
      }
    })
  })
  return listening(server)
}

function bytesOf({ status, kind }: Plan): string {
  const length = lengths[kind]
  const isChunked = kind === 'chunked' || kind === 'trailers'
  const lines = [
    `HTTP/1.1 ${status} Any`,
    ...(length === undefined ? [] : [`Content-Length: ${length}`]),
    ...(isChunked ? ['Transfer-Encoding: chunked'] : []),
    ...(kind === 'none' ? ['Content-Length: 0'] : []),
    ...(kind === 'trailers' ? ['Trailer: X-After'] : []),
  ]
  const body = {
    none: '',
    length: '',
    body: 'hello',
    long: 'hello',
    short: 'hello',
    spoilt: 'hello',
    chunked: '5\r\nhello\r\n0\r\n\r\n',
    trailers: '5\r\nhello\r\n0\r\nX-After: 1\r\n\r\n',
  }
  return `${lines.join('\r\n')}\r\n\r\n${body[kind]}`
}

const open = { level: 'anonymous' } as const
const closed = { level: 'pseudonymous' } as const
const needOf = (path: string): Requirement<never> => (path === '/closed' ? closed : open)

type Ways = ReadonlyArray<readonly [path: string, need: Requirement<never>]>
const ways: Ways = ['/feed', '/closed'].map(path => [path, needOf(path)])

async function nodeDoor(http2: boolean): Promise<Running> {
  const resource = await calendar()
  const guards = new Map(
    ways.map(([path, need]) => [
      path,
      forNode.guard<never, Http2ServerRequest, Http2ServerResponse>(resource, need, (request, response) =>
        write(response, planOf(request.headers['x-plan'] as string)),
      ),
    ]),
  )
  const listen = (request: unknown, response: unknown): void => {
    const asked = request as Http2ServerRequest
    void guards.get(asked.url)?.(asked, response as Http2ServerResponse)
  }
  return http2 ? listening(createHttp2Server(listen), { http2 }) : listening(createServer(listen))
}

async function expressDoor(): Promise<Running> {
  const resource = await calendar()
  const app = express()
  for (const [path, need] of ways)
    app.all(path, forExpress.guard(resource, need), (request, response) =>
      write(response, planOf(request.headers['x-plan'] as string)),
    )
  return listening(createServer(app))
}

async function fastifyDoor(http2: boolean): Promise<Running> {
  const resource = await calendar()
  // Of HTTP/2 its types are others, and its ways the same.
  const app = http2 ? (Fastify({ http2: true }) as unknown as FastifyInstance) : Fastify()
  for (const [path, need] of ways)
    app.all(path, forFastify.guard(resource, need), async (request, reply) => {
      reply.hijack()
      write(reply.raw, planOf(request.headers['x-plan'] as string))
    })
  await app.ready()
  return listening(app.server, http2 ? { http2 } : {})
}

function overHono(app: Hono, http2: boolean): Promise<Running> {
  const server = createAdaptorServer({ fetch: app.fetch, ...(http2 ? { createServer: createHttp2Server } : {}) })
  return listening(server as Listening, http2 ? { http2 } : {})
}

async function honoDoor(http2: boolean): Promise<Running> {
  const resource = await calendar()
  const app = new Hono()
  for (const [path, need] of ways)
    app.all(path, forHono.guard(resource, need), c => answerOf(planOf(c.req.header('x-plan'))))
  return overHono(app, http2)
}

async function fetchDoor(http2: boolean): Promise<Running> {
  const resource = await calendar()
  const guards = new Map(
    ways.map(([path, need]) => [
      path,
      forFetch.guard(resource, need, request => answerOf(planOf(request.headers.get('x-plan')))),
    ]),
  )
  const server = overFetch(http2, async request => {
    const guarded = guards.get(new URL(request.url).pathname)
    return guarded === undefined ? new Response(null, { status: 404 }) : guarded(request)
  })
  return listening(server, http2 ? { http2 } : {})
}

const participant: MountableParticipant = {
  paths: ['/feed'],
  async handle({ headers }) {
    return answerOf(planOf(headers.find(([name]) => name === 'x-plan')?.[1]))
  },
}

async function gatewayDoor(): Promise<Running> {
  const upstream = await api()
  const routes = [
    { path: '/feed', requirement: open },
    { path: '/closed', requirement: closed },
    { path: '/mcp', requirement: open, mcp: {} },
  ]
  return served(createGateway({ resource: await calendar(), upstream: `http://127.0.0.1:${upstream.port}`, routes }), {
    stop: upstream.stop,
  })
}

const all = ['GET', 'HEAD', 'POST', 'DELETE']
const honest: readonly Kind[] = ['none', 'length', 'body', 'chunked', 'trailers']
const every: readonly Kind[] = [...honest, 'long', 'short', 'spoilt']

const both = (
  more: Omit<Door, 'path' | 'methods' | 'open' | 'http2'>,
  make: (http2: boolean) => Promise<Running>,
): Door[] =>
  [false, true].map(http2 => ({
    ...more,
    name: http2 ? `${more.name}, HTTP/2` : more.name,
    path: '/feed',
    methods: all,
    ...(http2 ? { http2 } : {}),
    open: () => make(http2),
  }))

const feed = { path: '/feed', methods: all } as const

export const doors: readonly Door[] = [
  { name: 'serve', ...feed, kinds: every, open: () => served(participant) },
  { name: 'gateway', ...feed, kinds: every, refuses: true, open: gatewayDoor },
  // What is read there is no answer as it came.
  { name: 'gateway, MCP', path: '/mcp', methods: ['GET', 'DELETE'], kinds: every, open: gatewayDoor },
  {
    name: 'mountNode',
    ...feed,
    kinds: every,
    open: () => listening(createServer((request, response) => void mountNode(participant)(request, response))),
  },
  ...both({ name: 'mountHono', kinds: ['none', 'body'] }, http2 =>
    overHono(new Hono().use(mountHono(participant)) as Hono, http2),
  ),
  ...both({ name: 'mountFetch', kinds: ['none', 'body'] }, http2 =>
    listening(
      overFetch(http2, async request => (await mountFetch(participant)(request)) ?? new Response()),
      http2 ? { http2 } : {},
    ),
  ),
  ...both({ name: 'guard of node:http', kinds: honest, refuses: true, isNode: true }, nodeDoor),
  { name: 'guard of Express', ...feed, kinds: honest, refuses: true, isNode: true, open: expressDoor },
  ...both({ name: 'guard of Fastify', kinds: honest, refuses: true, isNode: true }, fastifyDoor),
  ...both({ name: 'guard of Hono', kinds: honest, refuses: true }, honoDoor),
  ...both({ name: 'guard of a Fetch handler', kinds: honest, refuses: true }, fetchDoor),
]
