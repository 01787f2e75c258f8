import type { ReceivedMessage } from '@countersign/httpsig'
import { hasBody, pathOf } from '@countersign/httpsig/internal'
import { type AAuthError, errorResponse } from '@countersign/protocol'
import { refusal } from '@countersign/protocol/internal'
import type { Authorization, Requirement, Resource, RouteHandling } from '@countersign/resource'
import type { Judge, RouteJudge } from './judged.js'
import type { McpSessions } from './mcp-enter.js'
import { mcpJudge } from './mcp-route.js'
import { overrideInBody, overrideInQuery } from './method-override.js'
import type { GatewayRoute } from './options.js'
import { routeTable } from './route-table.js'

/** A WebSocket's signature must cover these: otherwise an attacker could turn a captured signed GET into a WebSocket. */
const handshake = ['upgrade']

/**
 * Judges requests by the route that they match.
 * @param o.now Unix seconds
 * @throws TypeError for an invalid route
 */
export function createJudge<S extends string>(
  resource: Resource<S>,
  routes: ReadonlyArray<GatewayRoute<S>>,
  o: { readonly sessions: McpSessions; readonly handling: RouteHandling; now(): number },
): Judge<S> {
  for (const route of routes) checkDescribed(route)
  const table = routeTable(
    routes.map(({ path, methods, requirement, mcp }) => {
      // Another method of the path goes by another rule, or is refused.
      const isOneRule = methods === undefined
      const named = { name: path, ...requirement }
      const judges =
        mcp === undefined
          ? plainJudge(resource, { requirement: named, isOneRule }, { ...o.handling, ...openIn(path) })
          : mcpJudge(resource, { path, rules: { ...mcp, session: requirement }, components: handshake }, o)
      return { path, methods, value: { isOneRule, judges } }
    }),
  )
  const find = (message: ReceivedMessage) => table.match(message.method, pathOf(message.target))
  const unrouted = (message: ReceivedMessage, fault: Fault) => ({
    requirement: {},
    authorization: refuseUnrouted(message, fault, resource),
  })
  return async received => {
    const match = find(received)
    if (match.found !== 'route') return unrouted(received, faultOf(match))
    const { isOneRule, judges } = match.value
    const byQuery = overrideInQuery(received, { isOneRule })
    if (byQuery !== undefined) return unrouted(received, { error: byQuery })
    const message = (await judges.read(received)) ?? received
    const byBody = isOneRule ? undefined : overrideInBody(message)
    return byBody === undefined ? judges.judge(message) : unrouted(message, { error: byBody })
  }
}

/** @throws TypeError for a route whose requests a user approves by one text, whatever their method does: a DELETE would be shown as a payment */
function checkDescribed({ path, methods, requirement: { approve, describe } }: GatewayRoute): void {
  if (methods !== undefined || (approve === undefined && describe === undefined)) return // approval.shown
  throw new TypeError(
    `the route ${path} has approve or describe, and must list its methods: all would be described alike`,
  )
}

/** The first segment that a prefix leaves open. */
function openIn(path: string): Pick<RouteHandling, 'openFrom'> {
  return path.endsWith('*') ? { openFrom: path.split('/').length - 1 } : {}
}

function plainJudge<S extends string>(
  resource: Resource<S>,
  { requirement: asked, isOneRule }: { readonly requirement: Requirement<S>; readonly isOneRule: boolean },
  handling: RouteHandling,
): RouteJudge<S> {
  // Checked before components are added: an added list would hide an `undefined` from a misspelt name.
  resource.declare(asked, handling)
  const components = [...handshake, ...(asked.components ?? [])]
  // Each body is read before it is forwarded.
  const requirement = resource.declare({ ...asked, components, body: 'whole' }, handling)
  return {
    judge: async message => ({ requirement, authorization: await resource.authorize(message, requirement) }),
    // A body can name another method where that has another rule.
    read: async message => (isOneRule || !hasBody(message) ? message : await resource.read(message, requirement)),
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
    case 'method':
      return { error: refusal('method_not_allowed'), headers: [['allow', match.allow.join(', ')]] }
    case 'nothing':
      return { error: refusal('path_unknown') }
    case 'ambiguous':
      return { error: refusal('path_not_plain') }
  }
}

/** The verdict when no route judges the request: refused, unless the resource only observes. */
export function refuseUnrouted<S extends string>(
  message: ReceivedMessage,
  fault: Fault,
  resource: Resource<S>,
): Authorization {
  return resource.observed?.(message, fault.error) ?? refuseAlways(message, fault, resource)
}

/** The verdict for a request that is refused even when the resource only observes. */
export function refuseAlways<S extends string>(
  message: ReceivedMessage,
  { error, headers = [] }: Fault,
  { refused, cors }: Resource<S>,
): Authorization {
  refused(message, error)
  const response = errorResponse(error, { headers })
  cors?.expose(message, response.headers)
  return { ok: false, response }
}
