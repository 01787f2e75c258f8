import { type ReceivedMessage, readBody } from '@countersign/httpsig'
import { fullWait, pathOf } from '@countersign/httpsig/internal'
import type { Cors, HeaderFields } from '@countersign/protocol'
import { createCors } from '@countersign/protocol/internal'
import { protectFromCaches } from './adapter/cache.js'
import { checkResourceOptions } from './check-resource-options.js'
import { claiming } from './event/claimed.js'
import { authorizeMeasured, tellOwn } from './event/measured.js'
import type { Authorization } from './guard/authorization.js'
import { authorizeRoute, readRoute } from './guard/authorize.js'
import type { Observer } from './guard/event.js'
import type { Guard } from './guard/guarded-request.js'
import { takeRetryOff } from './guard/handed-on.js'
import { jwksPathOf } from './guard/metadata.js'
import { ownRefusals } from './guard/observe.js'
import { requestNames } from './guard/request-name.js'
import type { MessageCall, Route } from './guard/requirement.js'
import { routeBook } from './guard/route-book.js'
import { routeContextOf } from './guard/route-context.js'
import { setRateHeaders } from './limit/rate-headers.js'
import { makeGuard } from './make-guard.js'
import type { Resource, ResourceOptions } from './options.js'
import { ownAnswers } from './own-answers.js'
import { secondsUntilReady } from './revocation/revoked.js'
import { keepSeals } from './seal.js'

/**
 * Makes a protected resource.
 * @throws TypeError for an option that is wrong, RangeError for a `tolerance` outside 1 to 300
 * @see protocol §4, §6.1
 * @example
 * ```ts
 * import { createResource } from '@countersign/resource'
 * import { keysFile } from '@countersign/server'
 *
 * const calendar = createResource({
 *   id: 'https://calendar.example',
 *   keys: await keysFile('calendar-keys.json'),
 *   authServers: ['https://auth.example'],
 *   scopes: { 'events.read': 'See your events' },
 * })
 * ```
 */
export function createResource<const S extends string = never>(options: ResourceOptions<S>): Resource<S> {
  checkResourceOptions(options)
  const { id, telemetry } = options
  const jwksPath = jwksPathOf(options.jwksPath)
  const jwksUri = `${id}${jwksPath}`
  const context = routeContextOf(options)
  const guard = makeGuard(options, context, jwksUri)
  const routes = routeBook(context)
  const names = requestNames(options.requestId)
  const { development } = context
  const observerFor = (message: ReceivedMessage): Observer => claiming(guard.tell, message, { development })
  const own = ownAnswers({ options, context, guard, routes, jwksPath, jwksUri, observerFor })
  const cors = options.cors === undefined ? undefined : createCors(options.cors, { bearer: routes.takesBearer })
  const decide = (message: ReceivedMessage, route: Route, call?: MessageCall): Promise<Authorization> => {
    const telling = options.onEvent === undefined ? guard : { ...guard, tell: observerFor(message) }
    const request = { message, route, guard: telling, ledger: guard.ledgers.of(message), call }
    return telemetry === undefined ? authorizeRoute(request) : authorizeMeasured(request, telemetry)
  }
  const resource: Resource<S> = {
    id,
    paths: own.paths,
    jwksPath,
    ...(cors === undefined ? {} : { cors }),
    declare(requirement, handling) {
      const declared = routes.declare(requirement, handling)
      // Where there is no guarded fetcher, this says so now and not at the first bot.
      const { webBot } = routes.find(declared).beside
      if (webBot !== undefined && webBot.directory === undefined) guard.bots.directory()
      return declared
    },
    async authorize(received, requirement, call) {
      const message = names.name(received)
      const route = routeFor(routes.find(requirement), call)
      const preflight = cors?.preflight(message)
      if (preflight !== undefined) return { ok: false, response: preflight }
      const authorization = await decide(message, route, call)
      return cors === undefined ? authorization : exposed(authorization, message, cors)
    },
    read: (received, requirement) => {
      const route = requirement === undefined ? routes.open : routes.find(requirement)
      return readFor(names.name(received), { route, guard, judges: requirement === undefined ? 'signature' : 'checks' })
    },
    handle: async message => (own.paths.includes(pathOf(message.target)) ? own.answer(names.name(message)) : undefined),
    async ready() {
      await guard.replay.ready?.()
      await guard.revocations?.set.ready?.()
      const seconds = guard.revocations === undefined ? 0 : secondsUntilReady(guard.revocations)
      if (seconds > 0) await fullWait(seconds)
    },
    clientOf: guard.clientOf,
    ...ownRefusals(guard.mode, tellOwn(guard.tell, telemetry), names),
    responseHeaders(response, requirement, message) {
      takeRetryOff(response)
      const keep = requirement.cacheControl === 'handler'
      if (guard.mode === 'enforce') setGuardHeaders(response.headers, names.named(message), { guard, keep })
      cors?.expose(message, response.headers)
    },
  }
  keepSeals(resource, options.keys, guard.counter)
  return resource
}

/** The body of a request that is only observed is read, whatever is judged of it. */
async function readFor(
  message: ReceivedMessage,
  { route, guard, judges }: { readonly route: Route; readonly guard: Guard; readonly judges: 'signature' | 'checks' },
): Promise<ReceivedMessage | undefined> {
  if (guard.mode === 'observe') return readBody(message)
  return readRoute({ message, route, guard, ledger: guard.ledgers.of(message) }, judges)
}

/** The route as it judges one message. */
function routeFor(route: Route, call: MessageCall | undefined): Route {
  if (call === undefined) return route
  return { ...route, operation: route.operation ?? call.operation, reads: call.reads }
}

/** Sets what a guard adds to every answer of a route that it let a request pass to. */
function setGuardHeaders(
  headers: HeaderFields,
  message: object,
  { guard, keep }: { readonly guard: Guard; readonly keep: boolean },
): void {
  setRateHeaders(headers, guard.ledgers.chargesOf(message))
  protectFromCaches(headers, keep)
}

/** Lets pages read the responses of an authorization. */
function exposed(authorization: Authorization, message: ReceivedMessage, cors: Cors): Authorization {
  if (!authorization.ok) {
    cors.expose(message, authorization.response.headers)
    return authorization
  }
  const respond = async (error: unknown): Promise<Response | undefined> => {
    const response = await authorization.respond(error)
    if (response !== undefined) cors.expose(message, response.headers)
    return response
  }
  return { ...authorization, respond }
}
