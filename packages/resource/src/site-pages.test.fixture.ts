import type { CorsOrigins } from '@countersign/protocol'
import type { Guarded } from './guard/aauth.js'
import type { Requirement, Resource, ResourceOptions } from './index.js'
import { describePurge, describeSend } from './site-words.test.fixture.js'

// The pages of one site, the same behind every adapter and on every runtime.

export type CalendarResource = Resource<'events.read' | 'events.write'>

/** What a handler answers, in no framework's words. */
export interface Said {
  /** Default 200. */
  readonly status?: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body: string
  /** Lines beside those, in which a name may come again. */
  readonly lines?: ReadonlyArray<readonly [name: string, value: string]>
  /** What only Node can say: a phrase for the status, 103 before the answer, trailers after it. */
  readonly beside?: {
    readonly reason: string
    readonly hints: Readonly<Record<string, string>>
    readonly trailers: Readonly<Record<string, string>>
  }
}

/** The value of a header of the request that a handler gets. */
export type AskedFor = (name: string) => string | undefined

/** One guarded path; any method. */
export interface Page {
  readonly requirement: Requirement<'events.read' | 'events.write'>
  readonly bodyLimit?: number
  say(aauth: Guarded, body: string, asked: AskedFor): Promise<Said> | Said
}

/** What a site is made of, and what happened in it. */
export interface Plan {
  readonly resource: CalendarResource
  /** What the resource was made with, beyond what it always is. */
  readonly options?: Partial<ResourceOptions<'events.read' | 'events.write'>>
  /** Whose pages may call the resource. */
  readonly cors?: CorsOrigins
  /** How often a handler ran. */
  ran: number
  /** Errors that reached the app's own error handling. */
  readonly failed: unknown[]
  /** Lines that the server has logged by itself; what a framework is in logs nothing. */
  readonly log: string[]
}

const echo = (aauth: Guarded, body: string): Said => ({
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify({ aauth, body }),
})

const inbox = '{"items":[{"id":1,"title":"a","body":"x"},{"id":2,"title":"b","body":"y"}],"next":null}'

/** Answers as an API with a cache does, and a POST with what that asks for. */
function sayAsked(body: string, asked: AskedFor): Said {
  if (body !== '') {
    const { times = 1, ...said } = JSON.parse(body)
    return times === 1 ? said : { ...said, body: said.body.replace('hidden', 'hidden'.repeat(times)) }
  }
  const headers = {
    'content-type': 'application/json',
    etag: '"hidden"',
    'last-modified': 'Fri, 01 Jan 2027 00:00:00 GMT',
  }
  if (asked('if-none-match') !== undefined || asked('if-modified-since') !== undefined)
    return { status: 304, headers: { etag: '"hidden"' }, body: '' }
  if (asked('range') === undefined) return { headers, body: inbox }
  return {
    status: 206,
    headers: { ...headers, 'content-range': `bytes 0-9/${inbox.length}` },
    body: inbox.slice(0, 10),
  }
}

const elsewhere = 'https://rooms.example/bookings'

/** The pages of every site. Beside them it has `/json`, `/stream`, `/written`, `/mounted/feed`, and `/late`, whose body is read before the guard. */
export const pages: Readonly<Record<string, Page>> = {
  '/public': { requirement: { level: 'anonymous' }, say: echo },
  '/feed': { requirement: { level: 'pseudonymous' }, say: echo },
  '/agenda': { requirement: { level: 'identified' }, say: echo },
  '/events': { requirement: { scope: 'events.read' }, say: echo },
  '/edit': { requirement: { scope: 'events.write' }, say: echo },
  '/inbox': { requirement: { scope: 'events.read' }, say: (_, body, asked) => sayAsked(body, asked) },
  '/send': { requirement: { scope: 'events.read', operation: 'send' }, say: echo },
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
  '/read': { requirement: { scope: 'events.read', operation: 'read' }, say: echo },
  '/invite': { requirement: { scope: 'events.write', operation: 'send', describe: describeSend }, say: echo },
  '/sync': { requirement: { scope: 'events.write' }, say: echo },
  '/named': { requirement: { level: 'identified', operation: 'send' }, say: echo },
  '/support': { requirement: { scope: 'events.read', purposes: ['support'] }, say: echo },
  '/approved': {
    requirement: { scope: 'events.write', operation: 'send', describe: describeSend, approve: true },
    say: echo,
  },
  '/purge': {
    requirement: {
      scope: 'events.write',
      operation: 'purge',
      describe: describePurge,
      approve: true,
      unshown: ['query'],
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

/** The answer of an app that parses JSON by itself: the value it received, or 400. */
export function parsedJson(text: string): { readonly status: 200 | 400; readonly body: string } {
  try {
    return { status: 200, body: JSON.stringify(JSON.parse(text)) }
  } catch {
    return { status: 400, body: 'malformed' }
  }
}

/** What a handler gets of a request. */
export interface Heard {
  readonly aauth: Guarded
  readonly body: string
  readonly asked: AskedFor
}

/** Runs a page's handler, and counts it. */
export function say(plan: Plan, page: Page, { aauth, body, asked }: Heard): Promise<Said> | Said {
  plan.ran += 1
  return page.say(aauth, body, asked)
}

/** Headers of what a handler says, for a Fetch response. */
export function headersOf({ headers = {}, lines = [] }: Said): Headers {
  const all = new Headers(headers)
  for (const [name, value] of lines) all.append(name, value)
  return all
}
