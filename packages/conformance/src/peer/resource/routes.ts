import { gzipSync } from 'node:zlib'
import { headerValue } from '../../wire/message.js'
import { jsonAnswer, type PeerAnswer } from '../shared/refusal.js'
import type { PeerRequest } from '../shared/request.js'
import type { Condition } from './conditions.js'
import type { Called } from './errands.js'
import { callDownstream } from './exchange.js'
import { callApi } from './oauth.js'
import { forwarded } from './upstream.js'

/** What a route needs, and what it answers. */
export interface Route {
  readonly method: string
  readonly path: string
  readonly level: 'anonymous' | 'pseudonymous' | 'identified' | 'authorized'
  /** Of level *authorized*. */
  readonly scopes?: readonly string[]
  /** Requests of one caller in a minute. */
  readonly limit?: number
  /** Components that it demands beyond the usual ones. */
  readonly components?: readonly string[]
  /** Its handler reads the body as it comes. */
  readonly isStream?: true
  /** Its policy refuses all callers. */
  readonly isClosed?: true
  readonly operation?: string
  /** A user approves each request. */
  readonly isApproved?: true
  /** Its requests do nothing, whatever their method. */
  readonly isSafe?: true
  /** Every request passes once, whatever its method. */
  readonly isOnce?: true
  /** The arguments of its operation, where they are a part of the body. No JSON: it has more than can be judged or shown. */
  readonly argumentsIn?: (body: Buffer) => Buffer
  /** Parameters of its query that the user is shown. */
  readonly shownParameters?: readonly string[]
  /** `request` has the headers that the handler may see. */
  readonly handle?: (request: PeerRequest) => PeerAnswer
  /** It takes a bearer token, too. */
  readonly isBearer?: true
  /** Its answer stays open. */
  readonly isLasting?: true
  /** Calls others for its caller. */
  readonly call?: (called: Called) => Promise<PeerAnswer>
  /** Answers all that the guard lets pass. */
  readonly serve?: (admitted: Admitted) => Promise<PeerAnswer>
}

/** A request that the guard has let pass. */
export interface Admitted {
  /** Undefined where it is not signed. */
  readonly called?: Called
  readonly conditions: readonly Condition[]
}

const items = '{"items":[{"id":1,"title":"a"},{"id":2,"title":"b"}],"next":null,"total":1.50}'

/** All routes. */
export const routes: readonly Route[] = [
  { method: 'GET', path: '/public', level: 'anonymous' },
  { method: 'GET', path: '/feed', level: 'pseudonymous' },
  { method: 'POST', path: '/notes', level: 'pseudonymous' },
  { method: 'GET', path: '/agenda', level: 'identified' },
  { method: 'POST', path: '/agenda', level: 'identified' },
  { method: 'GET', path: '/events', level: 'authorized', scopes: ['events.read'] },
  { method: 'POST', path: '/events', level: 'authorized', scopes: ['events.write'] },
  { method: 'GET', path: '/mine', level: 'authorized', scopes: ['email'] },
  { method: 'GET', path: '/public-limited', level: 'anonymous', limit: 6 },
  { method: 'GET', path: '/feed-limited', level: 'pseudonymous', limit: 6 },
  { method: 'GET', path: '/agenda-limited', level: 'identified', limit: 6 },
  { method: 'POST', path: '/agenda-limited', level: 'identified', limit: 6 },
  { method: 'GET', path: '/events-limited', level: 'authorized', scopes: ['events.read'], limit: 6 },
  { method: 'GET', path: '/signed-more', level: 'pseudonymous', components: ['accept-language'] },
  { method: 'POST', path: '/uploads', level: 'pseudonymous', isStream: true },
  { method: 'GET', path: '/closed', level: 'identified', isClosed: true },
  { method: 'POST', path: '/failing', level: 'pseudonymous', handle: failing },
  { method: 'POST', path: '/failing-behind', level: 'pseudonymous', call: forwarded },
  { method: 'GET', path: '/items', level: 'authorized', scopes: ['events.read'], handle: listed },
  { method: 'GET', path: '/lost', level: 'authorized', scopes: ['events.read'], handle: lost },
  { method: 'GET', path: '/hop', level: 'authorized', scopes: ['events.read'], call: callDownstream },
  { method: 'GET', path: '/files', level: 'authorized', scopes: ['events.read'], call: callApi },
  { method: 'GET', path: '/shared', level: 'identified', isBearer: true },
  { method: 'GET', path: '/ticks', level: 'authorized', scopes: ['events.read'], isLasting: true },
  { method: 'GET', path: '/motto', level: 'authorized', scopes: ['events.read'], handle: motto },
  {
    ...{ method: 'POST', path: '/cancellations', level: 'authorized', scopes: ['events.write'] },
    operation: 'cancel',
    isApproved: true,
  },
  { method: 'POST', path: '/invitations', level: 'authorized', scopes: ['events.write'], operation: 'invite' },
  {
    method: 'POST',
    path: '/payments',
    level: 'authorized',
    scopes: ['events.write'],
    operation: 'pay',
    isApproved: true,
  },
  {
    ...{ method: 'POST', path: '/transfers', level: 'authorized', scopes: ['events.write'] },
    ...{ isApproved: true, shownParameters: ['to'], operation: 'pay' },
  },
]

/** The route of a request; HEAD goes by that of GET. */
export function routeOf({ method, path }: PeerRequest): Route | undefined {
  const wanted = method === 'HEAD' ? 'GET' : method
  return routes.find(route => route.method === wanted && route.path === path)
}

/** What a route answers that has no handler of its own. */
export function done(): PeerAnswer {
  return { ...jsonAnswer({ done: true }), headers: { 'content-type': 'application/json' } }
}

/** A handler that answers like a server which was not reached. */
function failing(): PeerAnswer {
  return { status: 503, headers: { 'agent-auth': 'httpsig', 'retry-after': '1' }, body: '' }
}

/** What a handler says beside its answer. */
const toldOf = { 'content-type': 'application/json', etag: '"x"', 'x-total': '2', link: '</items?page=2>; rel="next"' }

/** A handler that finds nothing, and says so. */
function lost(): PeerAnswer {
  return {
    status: 404,
    phrase: 'Gone To The Archive',
    headers: toldOf,
    body: '{"error":"not_found","hint":"it was moved to /archive"}',
  }
}

/** A handler that answers no JSON. */
function motto(): PeerAnswer {
  return { status: 200, headers: { 'content-type': 'text/plain' }, body: 'Tea first' }
}

/** A handler that knows conditional and partial requests, and a content coding. */
function listed(request: PeerRequest): PeerAnswer {
  const headers = toldOf
  if (headerValue(request, 'if-none-match') !== undefined) return { status: 304, headers }
  if (headerValue(request, 'range') !== undefined) return { status: 206, headers, body: items.slice(0, 10) }
  const isCoded = /\bgzip\b/.test(headerValue(request, 'accept-encoding') ?? '')
  if (isCoded) return { status: 200, headers: { ...headers, 'content-encoding': 'gzip' }, body: gzipSync(items) }
  return { status: 200, headers, body: items }
}
