import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http'
import { text } from 'node:stream/consumers'
import { pathOf } from '@countersign/httpsig/internal'
import type { CorsOrigins, Level } from '@countersign/protocol'
import type { AAuth, Guarded } from '@countersign/resource'
import { jsonLog, type Participant, type Running, serve } from '@countersign/server'
import { send } from '@countersign/testing/wire'
import { heardOnNode, sayOnNode } from '../../resource/src/said-node.test.fixture.js'
import {
  type Adapter,
  listening,
  type Page,
  type Plan,
  pages,
  parsedJson,
  type Site,
  say,
} from '../../resource/src/site.test.fixture.js'
import { createGateway, type GatewayRoute } from './index.js'

/** Behind the gateway: the pages are a server's that knows nothing of AAuth, and tells what the gateway told it. */
export const gatewayAdapter: Adapter = {
  name: 'gateway',
  wire: true,
  answersErrors: true,
  inApp: false,
  async make(plan) {
    const upstream = await apiBehind(plan)
    const { resource, cors } = plan
    const origin = `http://127.0.0.1:${upstream.port}`
    const running = await serving(plan, createGateway({ resource, upstream: origin, routes }), cors)
    return {
      port: running.port,
      send: wire => send(running.port, wire),
      async stop() {
        await running.close()
        await upstream.stop()
      },
    }
  },
}

/** Runs a participant as `countersign` does. */
export function serving(plan: Plan, participant: Participant, cors?: CorsOrigins): Promise<Running> {
  return serve({
    name: 'gateway',
    id: plan.resource.id,
    port: 0,
    host: '127.0.0.1',
    participant,
    ...(cors === undefined ? {} : { cors }),
    signals: false,
    announce: () => {},
    log: jsonLog({ name: 'gateway', write: line => plan.log.push(line) }),
    drain: 1,
    bodyLimit: 1_048_576,
  })
}

const open = { level: 'anonymous' } as const

export const routes: ReadonlyArray<GatewayRoute<'events.read' | 'events.write'>> = [
  ...Object.entries(pages).map(([path, { requirement }]) => ({
    path,
    requirement,
    // The suite asks for these; where requests are described, methods must be listed.
    ...(requirement.describe === undefined ? {} : { methods: ['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'OPTIONS'] }),
  })),
  ...['/json', '/stream', '/written'].map(path => ({ path, requirement: open })),
  { path: '/mounted/feed', requirement: { level: 'pseudonymous' } },
  // An odd spelling of another path must not match this one.
  { path: '/*', requirement: open },
]

type Handler = (request: IncomingMessage, response: ServerResponse) => Promise<void> | void

/** The pages, as a server that knows nothing of AAuth. */
export function apiBehind(plan: Plan): Promise<Site> {
  const handlers = new Map<string, Handler>([...Object.entries(pages)].map(([path, page]) => [path, paged(plan, page)]))
  const feed = handlers.get('/feed')
  if (feed !== undefined) handlers.set('/mounted/feed', feed)
  for (const [path, handler] of Object.entries(others)) handlers.set(path, handler)
  const handle: Handler = async (request, response) => {
    const handler = handlers.get(looselyRead(pathOf(request.url ?? '')))
    if (handler === undefined) response.writeHead(404).end()
    else await handler(request, response)
  }
  return listening(
    createServer(async (request, response) => {
      try {
        await handle(request, response)
      } catch (error) {
        plan.failed.push(error)
        response.writeHead(500).end('broken')
      }
    }),
  )
}

/** As many an API reads paths: `/%66eed`, `/FEED`, `//feed`, `/feed/` and `/feed;a` are all `/feed`. */
function looselyRead(path: string): string {
  const plain = decodeURIComponent(path)
    .toLowerCase()
    .replace(/;[^/]*/g, '')
    .replace(/\/+/g, '/')
  return plain.replace(/(?<=.)\/$/, '')
}

function paged(plan: Plan, page: Page): Handler {
  return async (request, response) => {
    sayOnNode(await say(plan, page, await heardOnNode(request, factsIn(request.headers))), response)
  }
}

const others: Readonly<Record<string, Handler>> = {
  async '/json'(request, response) {
    const { status, body } = parsedJson(await text(request))
    response.writeHead(status).end(body)
  },
  '/stream'(_, response) {
    response.write('one ')
    setImmediate(() => response.end('two'))
  },
  '/written'(_, response) {
    response.writeHead(201, 'Made', ['Cache-Control', 'public', 'Set-Cookie', 'a=1', 'Set-Cookie', 'b=2']).end('ok')
  },
}

/** The facts that the gateway vouches for. */
function factsIn(headers: IncomingHttpHeaders): Guarded {
  const said = (name: string): string | undefined => {
    const value = headers[`aauth-${name}`]
    return typeof value === 'string' ? decodeURIComponent(value) : undefined
  }
  const [agent, delegate, issuer, sub, key] = ['agent', 'delegate', 'issuer', 'user', 'key'].map(said)
  const facts: AAuth = {
    level: said('level') as Level,
    ...(agent === undefined ? {} : { agent }),
    ...(delegate === undefined ? {} : { delegate }),
    ...(issuer === undefined ? {} : { issuer }),
    ...(issuer === undefined || sub === undefined ? {} : { user: { iss: issuer, sub, claims: {} } }),
    scope: said('scope')?.split(' ') ?? [],
    chain: [],
    ...(key === undefined ? {} : { key }),
  }
  return { ...facts, fetch: nobody, oauth: nobody, signal: new AbortController().signal }
}

async function nobody(): Promise<never> {
  throw new TypeError('an API behind a gateway calls nobody with its help')
}
