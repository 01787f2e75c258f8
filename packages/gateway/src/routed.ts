import { pathOf, type ReceivedMessage } from '@countersign/httpsig'
import { AAuthError, errorResponse } from '@countersign/protocol'
import type { Authorization, Requirement, Resource } from '@countersign/resource'
import { routeTable } from './route-table.js'

/** What is asked of callers on one path. */
export interface GatewayRoute<S extends string = string> {
  /** Exact (`/reports`), or a prefix that ends in `*` (`/reports*`, `/*`). Compared with the raw path, byte for byte. */
  readonly path: string
  /** Default all. Others are 405: `HEAD` and `OPTIONS` are methods like any other. */
  readonly methods?: readonly string[]
  readonly requirement: Requirement<S>
}

/** The verdict on a request, and the requirement it was judged by; none where no route is for it. */
export interface Judged<S extends string> {
  readonly authorization: Authorization
  readonly requirement: Requirement<S>
}

/** Else whoever saw a signed GET on its way could make a two-way connection of it. */
const handshake = ['upgrade']

/**
 * Judges requests by the route they are for.
 * @throws TypeError for a route that is wrong
 */
export function judge<S extends string>(
  resource: Resource<S>,
  routes: ReadonlyArray<GatewayRoute<S>>,
): (message: ReceivedMessage) => Promise<Judged<S>> {
  const table = routeTable(
    routes.map(({ path, methods, requirement }) => ({
      path,
      ...(methods === undefined ? {} : { methods }),
      value: resource.declare({
        name: path,
        ...requirement,
        components: [...handshake, ...(requirement.components ?? [])],
      }),
    })),
  )
  return async message => {
    const match = table.match(message.method, pathOf(message.target))
    if (match.found === 'route')
      return { requirement: match.value, authorization: await resource.authorize(message, match.value) }
    return { requirement: {}, authorization: unrouted(message, faultOf(match), resource) }
  }
}

interface Fault {
  readonly error: AAuthError
  readonly headers?: Array<[string, string]>
}

function faultOf(
  match: { readonly found: 'method'; readonly allow: readonly string[] } | { readonly found: 'nothing' | 'ambiguous' },
): Fault {
  switch (match.found) {
    case 'method': {
      const error = new AAuthError('invalid_request', 'this method is not allowed here', { status: 405 })
      return { error, headers: [['allow', match.allow.join(', ')]] }
    }
    case 'nothing':
      return { error: new AAuthError('invalid_request', 'there is nothing here', { status: 404 }) }
    case 'ambiguous':
      return { error: new AAuthError('invalid_request', 'the path is not in its plain spelling') }
  }
}

/** No route for it: refused, but where nothing is refused yet. */
function unrouted<S extends string>(
  message: ReceivedMessage,
  { error, headers = [] }: Fault,
  { observed, cors }: Resource<S>,
): Authorization {
  if (observed !== undefined) return observed(message, error)
  const response = errorResponse(error, { headers })
  cors?.expose(message, response.headers)
  return { ok: false, response }
}
