import type { AddressInfo } from 'node:net'
import type { CorsOrigins } from '@countersign/protocol'
import type { Guarded } from './aauth.js'
import type { Requirement, Resource } from './index.js'
import { type Answer, parseAnswer, send, type Wire } from './wire.test.fixture.js'

// One site, made with every adapter, so that one suite holds for all.

export type CalendarResource = Resource<'events.read' | 'events.write'>

/** What a handler answers, in no framework's words. */
export interface Said {
  /** Default 200. */
  readonly status?: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body: string
}

/** One guarded path; any method. */
export interface Page {
  readonly requirement: Requirement<'events.read' | 'events.write'>
  readonly bodyLimit?: number
  say(aauth: Guarded, body: string): Promise<Said> | Said
}

/** What a site is made of, and what happened in it. */
export interface Plan {
  readonly resource: CalendarResource
  /** Whose pages may call the resource. */
  readonly cors?: CorsOrigins
  /** How often a handler ran. */
  ran: number
  /** Errors that reached the app's own error handling. */
  readonly failed: unknown[]
  /** Lines that the server has logged by itself; what a framework is in logs nothing. */
  readonly log: string[]
}

/** A site that runs. */
export interface Site {
  /** Of its socket, where it has one. */
  readonly port?: number
  send(wire: Wire): Promise<Answer>
  stop(): Promise<void>
}

/** A way to make the site. */
export interface Adapter {
  readonly name: string
  /** A real socket, so that a message may be malformed; else what a Fetch request can say. */
  readonly wire: boolean
  /** What answers for what a handler throws sets headers; else the platform answers. */
  readonly answersErrors: boolean
  /**
   * The guard stands in the app. A gateway stands before it: its handlers are a server of their own, which has no `aauth.fetch`, whose
   * body limits and mistakes are its own, and which nothing can read before the guard.
   */
  readonly inApp: boolean
  /** Another passes the request on, with headers that the API could obey: those refuse it. */
  readonly refusesOverrides?: true
  make(plan: Plan): Promise<Site>
}

const echo = (aauth: Guarded, body: string): Said => ({
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify({ aauth, body }),
})

const elsewhere = 'https://rooms.example/bookings'

/** The pages of every site. Beside them it has `/json`, `/stream`, `/written`, `/mounted/feed`, and `/late`, whose body is read before the guard. */
export const pages: Readonly<Record<string, Page>> = {
  '/public': { requirement: { level: 'anonymous' }, say: echo },
  '/feed': { requirement: { level: 'pseudonymous' }, say: echo },
  '/agenda': { requirement: { level: 'identified' }, say: echo },
  '/events': { requirement: { scope: 'events.read' }, say: echo },
  '/edit': { requirement: { scope: 'events.write' }, say: echo },
  '/small': { requirement: { level: 'pseudonymous' }, bodyLimit: 10, say: echo },
  '/limited': {
    requirement: { level: 'anonymous', limits: { anonymous: '1/hour', pseudonymous: '2/hour', identified: '9/hour' } },
    say: (aauth, body) => {
      const said = echo(aauth, body)
      return { ...said, headers: { ...said.headers, ratelimit: '"made-up";r=99', 'ratelimit-policy': 'none' } }
    },
  },
  '/sites': { requirement: { level: 'identified', limits: { site: '1/hour' } }, say: echo },
  '/delegates': { requirement: { level: 'identified', limits: { identified: '1/hour', agent: '90/hour' } }, say: echo },
  '/personal': { requirement: { scope: 'events.read', limits: { authorized: '1/hour' } }, say: echo },
  '/known': {
    requirement: {
      scope: 'events.read',
      policy: ({ delegate, chain }) =>
        delegate !== 'lost' && chain.every(({ agent }) => agent !== 'https://blocked.example'),
    },
    say: echo,
  },
  '/cached': {
    requirement: { level: 'anonymous' },
    say: () => ({
      headers: { 'cache-control': 'public, max-age=60', vary: 'Accept', 'cdn-cache-control': 'max-age=9' },
      body: 'ok',
    }),
  },
  '/unready': {
    requirement: { level: 'pseudonymous' },
    say: () => ({
      status: 503,
      headers: {
        'agent-auth': 'httpsig',
        'retry-after': '1',
        'cache-control': 'no-store',
        'content-type': 'application/json',
      },
      body: '{"error":"temporarily_unavailable"}',
    }),
  },
  '/throws': {
    requirement: { level: 'anonymous' },
    say: () => {
      throw new Error('broken')
    },
  },
  '/away': {
    requirement: { scope: 'events.read' },
    say: async aauth => ({ body: String((await aauth.fetch(elsewhere)).status) }),
  },
  '/caught': {
    requirement: { scope: 'events.read' },
    say: async aauth => ({
      body: await aauth.fetch(elsewhere).then(
        () => 'booked',
        () => 'without a room',
      ),
    }),
  },
}

/** What an app that parses JSON by itself answers: what came, or 400. */
export function parsedJson(text: string): { readonly status: 200 | 400; readonly body: string } {
  try {
    return { status: 200, body: JSON.stringify(JSON.parse(text)) }
  } catch {
    return { status: 400, body: 'malformed' }
  }
}

/** Runs a page's handler, and counts it. */
export function say(plan: Plan, page: Page, aauth: Guarded, body: string): Promise<Said> | Said {
  plan.ran += 1
  return page.say(aauth, body)
}

interface Listening {
  listen(port: number, host: string, ready: () => void): unknown
  address(): unknown
  close(done: () => void): unknown
}

/** A site behind a real socket. */
export async function listening(server: Listening): Promise<Site> {
  await new Promise<void>(resolve => {
    server.listen(0, '127.0.0.1', resolve)
  })
  const { port } = server.address() as AddressInfo
  return {
    port,
    send: wire => send(port, wire),
    stop: () => new Promise(resolve => server.close(() => resolve())),
  }
}

/** A site that is a Fetch handler, and what its platform answers when it fails. */
export function inProcess(handle: (request: Request) => Promise<Response>, plan: Plan): Site {
  return {
    async send({ method, target, headers, body }) {
      const request = new Request(`https://calendar.example${target}`, {
        method,
        headers: headers.map(([name, value]): [string, string] => [name, value]),
        ...(body === undefined ? {} : { body: new Uint8Array(body) }),
      })
      const response = await handle(request).catch((error: unknown) => {
        plan.failed.push(error)
        return new Response('broken', { status: 500 })
      })
      const lines = [...response.headers].map(([name, value]) => `${name}: ${value}`)
      const head = [`HTTP/1.1 ${response.status}`, ...lines, '', ''].join('\r\n')
      return parseAnswer(Buffer.concat([Buffer.from(head), Buffer.from(await response.arrayBuffer())]))
    },
    stop: async () => undefined,
  }
}
