import type { IncomingMessage } from 'node:http'
import { checkTarget, pathOf, type ReceivedMessage } from '@countersign/httpsig'
import { AAuthError, errorResponse } from '@countersign/protocol'
import type { Authorization, Requirement, Resource } from '@countersign/resource'
import type { Participant } from '@countersign/server'
import { checkConnection, requestHeaders, responseHeaders } from './forwarded-headers.js'
import { type RouteTable, routeTable } from './route-table.js'
import { openUpstream, retryAfter, type Upstream } from './upstream.js'

/** What the gateway asks of callers on one path. */
export interface GatewayRoute<S extends string = string> {
  /** Exact (`/reports`), or a prefix that ends in `*` (`/reports*`, `/*`). Compared with the raw path, byte for byte. */
  readonly path: string
  /** Default all. Others are 405: `HEAD` and `OPTIONS` are methods like any other. */
  readonly methods?: readonly string[]
  readonly requirement: Requirement<S>
}

/** What a gateway is made of. */
export interface GatewayOptions<S extends string = string> {
  readonly resource: Resource<S>
  /** The origin of the API behind, e.g. `http://127.0.0.1:8080`. */
  readonly upstream: string
  /** The longest matching path decides; a path on no route is 404. */
  readonly routes: ReadonlyArray<GatewayRoute<S>>
  /** Seconds in which the API behind must begin to answer. Default 60. */
  readonly timeout?: number
}

/**
 * Makes a reverse proxy that guards an API which knows nothing of AAuth.
 *
 * The API learns who is calling from `AAuth-Level`, `AAuth-Agent`, `AAuth-Delegate`, `AAuth-User` (the subject at
 * `AAuth-Issuer`), `AAuth-Scope`, `AAuth-Issuer` and `AAuth-Key` (thumbprint of the key that signed), in printable ASCII with
 * all else percent-encoded, and where from by `X-Forwarded-For`, `-Host` and `-Proto`. It must be reachable through the
 * gateway only.
 * A resource that only observes lets everything through, without any of the facts, also what no route is for; a target, or a
 * `Connection`, that two servers could read differently is refused even then.
 * @throws TypeError for a route or an upstream that is wrong
 * @see protocol §3.3, §4
 */
export function createGateway<S extends string>(options: GatewayOptions<S>): Participant {
  const { resource, timeout = 60 } = options
  const upstream = openUpstream({ origin: options.upstream, timeout })
  const routes = routeTable(
    options.routes.map(({ path, methods, requirement }) => ({
      path,
      ...(methods === undefined ? {} : { methods }),
      value: resource.declare({ name: path, ...requirement }),
    })),
  )
  return {
    async handle(message) {
      checkTarget(message)
      checkConnection(message)
      // Before the routes: a page asks with OPTIONS, which most of them do not have.
      const preflight = resource.cors?.preflight(message)
      if (preflight !== undefined) return preflight
      return (await resource.handle(message)) ?? (await guarded(message, { resource, routes, upstream }))
    },
    ready: () => upstream.check(),
    close: async () => upstream.close(),
  }
}

interface Gateway<S extends string> {
  readonly resource: Resource<S>
  readonly routes: RouteTable<Requirement<S>>
  readonly upstream: Upstream
}

async function guarded<S extends string>(message: ReceivedMessage, gateway: Gateway<S>): Promise<Response> {
  const { resource, upstream } = gateway
  const found = requirementFor(message, gateway.routes)
  const authorization =
    'error' in found ? unrouted(message, found, resource) : await resource.authorize(message, found.requirement)
  if (!authorization.ok) return authorization.response
  const { method, target, body } = message
  const called = { id: resource.id, from: resource.clientOf(message) }
  const headers = requestHeaders(message, authorization.observed ? undefined : authorization.aauth, called)
  const answer = await upstream.send({ method, target, headers, ...(body === undefined ? {} : { body }) })
  const response = responseOf(answer, method)
  resource.responseHeaders(response.headers, 'error' in found ? {} : found.requirement, message)
  return response
}

/** No route for it: refused, but where nothing is refused yet. */
function unrouted<S extends string>(
  message: ReceivedMessage,
  { error, headers }: Unrouted,
  { observed, cors }: Resource<S>,
): Authorization {
  if (observed !== undefined) return observed(message, error)
  const response = errorResponse(error, { headers })
  cors?.expose(message, response.headers)
  return { ok: false, response }
}

interface Unrouted {
  readonly error: AAuthError
  readonly headers: Array<[string, string]>
}

function requirementFor<S extends string>(
  { method, target }: ReceivedMessage,
  routes: RouteTable<Requirement<S>>,
): { readonly requirement: Requirement<S> } | Unrouted {
  const match = routes.match(method, pathOf(target))
  switch (match.found) {
    case 'route':
      return { requirement: match.value }
    case 'method': {
      const error = new AAuthError('invalid_request', 'this method is not allowed here', { status: 405 })
      return { error, headers: [['allow', match.allow.join(', ')]] }
    }
    case 'nothing':
      return { error: new AAuthError('invalid_request', 'there is nothing here', { status: 404 }), headers: [] }
    case 'ambiguous':
      return { error: new AAuthError('invalid_request', 'the path is not in its plain spelling'), headers: [] }
  }
}

const bodiless: ReadonlySet<number> = new Set([204, 205, 304])

function responseOf(answer: IncomingMessage, method: string): Response {
  const status = answer.statusCode ?? 0
  if (status < 200 || status > 599) {
    answer.destroy()
    throw new AAuthError('temporarily_unavailable', 'the API behind this gateway answered with no known status', {
      retryAfter: retryAfter(method),
    })
  }
  const headers = responseHeaders(answer.rawHeaders)
  if (method === 'HEAD' || bodiless.has(status)) {
    answer.resume()
    return new Response(null, { status, headers })
  }
  return new Response(streamOf(answer), { status, headers })
}

/** The answer as it comes, piece by piece; when the caller goes away, so does the request upstream. */
function streamOf(answer: IncomingMessage): ReadableStream<Uint8Array> {
  const pieces = answer[Symbol.asyncIterator]()
  return new ReadableStream({
    async pull(controller) {
      const piece = await pieces.next()
      if (piece.done) controller.close()
      else controller.enqueue(piece.value)
    },
    cancel() {
      answer.destroy()
    },
  })
}
