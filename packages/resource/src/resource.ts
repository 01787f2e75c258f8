import { createDiscovery } from '@countersign/discovery'
import { checkTarget, memoryReplaySet, pathOf, type ReceivedMessage } from '@countersign/httpsig'
import {
  answerRoute,
  asAAuthError,
  createCors,
  documentResponse,
  errorResponse,
  jwksResponse,
  type ResourceMetadata,
  type Route,
  type Routes,
  withCors,
} from '@countersign/protocol'
import { clientOf, createVerifier, type Verifier, type VerifierOptions } from '@countersign/verify'
import { protectFromCaches } from './adapter/cache.js'
import { checkResourceOptions } from './check-resource-options.js'
import { createDownstream } from './downstream/downstream.js'
import { claiming } from './event/claimed.js'
import { authorizeMeasured, tellOwn } from './event/measured.js'
import { authorizeRoute } from './guard/authorize.js'
import { withoutDenied } from './guard/deny.js'
import { type Observer, quiet } from './guard/event.js'
import { createFailures, noFailures } from './guard/failures.js'
import { takeRetryOff } from './guard/handed-on.js'
import { judgeOwnHead, judgeRouteHead } from './guard/head.js'
import type { HeadCounts } from './guard/head-counts.js'
import { agentMetadataPath, jwksPathOf, metadataOf, metadataPath, tokenPath } from './guard/metadata.js'
import type { Mode } from './guard/mode.js'
import { ownRefusals } from './guard/observe.js'
import { requestNames } from './guard/request-name.js'
import { resourceTokens } from './guard/resource-token.js'
import { routeBook } from './guard/route-book.js'
import { routeContextOf } from './guard/route-context.js'
import { memoryCounter } from './limit/counter.js'
import { parseRate } from './limit/rate.js'
import { type Charge, setRateHeaders } from './limit/rate-headers.js'
import { spentCounts } from './limit/spent-counts.js'
import type { Resource, ResourceOptions } from './options.js'
import { answerResourceTokenRequest } from './token/endpoint.js'

/**
 * Makes a protected resource.
 * @throws TypeError for an option that is wrong, RangeError for a `tolerance` outside 1 to 300
 * @see protocol §4, §6.1
 */
export function createResource<const S extends string = never>(options: ResourceOptions<S>): Resource<S> {
  checkResourceOptions(options)
  const { id, keys, now = () => Date.now() / 1000, tolerance = 60, counter = memoryCounter() } = options
  const jwksPath = jwksPathOf(options.jwksPath)
  const context = routeContextOf(options)
  const { development } = context
  const { telemetry } = options
  const { discovery = createDiscovery({ now, development, ...(telemetry && { onEvent: telemetry.discovery }) }) } =
    options
  const replay = options.replay ?? memoryReplaySet({ window: 2 * tolerance, ...(options.now && { now }) })
  const tell = quiet(options.onEvent && of(id, options.onEvent))
  const names = requestNames(options.requestId)
  const tellingOf = (message: ReceivedMessage): Observer => claiming(tell, message, { development })
  const { authServers } = context
  const key = keys[0]
  if (key === undefined) throw new TypeError('keys must hold at least one key: the first signs resource tokens')
  const jwksUri = `${id}${jwksPath}`
  const rate = parseRate(options.resourceTokenLimit ?? '600/min')
  const tokens = resourceTokens({ id, key, counter, rate, now, tell, siteOf: options.siteOf, development })
  const verifier = verifierOf(options, { authServers, now, tolerance, discovery })
  const client = clientOf(options)
  const failures =
    options.failureLimit === undefined
      ? noFailures
      : createFailures(parseRate(options.failureLimit), { privatePeers: options.trustedProxies !== undefined })
  const downstream =
    options.downstream === undefined
      ? undefined
      : createDownstream(options.downstream, {
          ...{ id, jwksUri, key, discovery, counter, clientOf: client, tell, now, development },
        })
  const mode: Mode = options.observe === true ? 'observe' : 'enforce'
  const charges = new WeakMap<object, Map<string, Charge>>()
  const heads: HeadCounts = new WeakMap()
  const guard = {
    verifier,
    replay,
    siteOf: options.siteOf,
    development,
    passed: new WeakSet<ReceivedMessage>(),
    counter,
    spent: spentCounts(),
    charges,
    clientOf: client,
    failures,
    heads,
    tell,
    mode,
    refusal: { tokens, authServers, now },
    ownAgent: options.acceptOwnAgent === true ? ('accepted' as const) : ('refused' as const),
    ...(downstream === undefined ? {} : { downstream }),
  }
  const routes = routeBook(context)
  const { deny } = options
  const endpoint = {
    ...{ verifier, replay, siteOf: options.siteOf, development, failures, heads, clientOf: client },
    ...{ tokens, authServers, scopes: context.scopes, now, tell, ...(deny && { deny }) },
  }
  const metadata = (): ResourceMetadata =>
    metadataOf({ id, jwksUri, authServers, scopes: options.scopes ?? {}, components: routes.components() })
  const documents: Routes = new Map([
    [metadataPath, { methods: ['GET', 'HEAD'], answer: () => documentResponse(metadata()) }],
    [jwksPath, { methods: ['GET', 'HEAD'], answer: () => jwksResponse(keys) }],
    ...(downstream === undefined ? [] : [documentRoute(agentMetadataPath, downstream.metadata)]),
  ])
  const pages: Routes = downstream?.routes ?? new Map()
  const paths = [...documents.keys(), ...(authServers.length === 0 ? [] : [tokenPath]), ...pages.keys()]
  const answer = async (message: ReceivedMessage): Promise<Response> => {
    const malformed = malformedTarget(message, now)
    if (malformed !== undefined) return malformed
    if (pages.has(pathOf(message.target))) return answerRoute(message, pages)
    if (pathOf(message.target) === tokenPath)
      return answerResourceTokenRequest(message, { ...endpoint, tell: tellingOf(message) })
    return answerRoute(message, documents)
  }
  const published = withCors(options.cors, answer)
  const cors = options.cors === undefined ? undefined : createCors(options.cors, { bearer: routes.takesBearer })
  return {
    id,
    paths,
    jwksPath,
    ...(cors === undefined ? {} : { cors }),
    declare: routes.declare,
    async authorize(received, requirement) {
      const message = names.name(received)
      const route = routes.find(requirement)
      const preflight = cors?.preflight(message)
      if (preflight !== undefined) return { ok: false, response: preflight }
      const telling = options.onEvent === undefined ? guard : { ...guard, tell: tellingOf(message) }
      const authorization = await (telemetry === undefined
        ? authorizeRoute(message, route, telling)
        : authorizeMeasured(message, route, telling, telemetry))
      if (!authorization.ok) {
        cors?.expose(message, authorization.response.headers)
        return authorization
      }
      if (cors === undefined) return authorization
      const respond = async (error: unknown): Promise<Response | undefined> => {
        const response = await authorization.respond(error)
        if (response !== undefined) cors.expose(message, response.headers)
        return response
      }
      return { ...authorization, respond }
    },
    judgeHead: (head, requirement) =>
      requirement === undefined ? judgeOwnHead(head, guard) : judgeRouteHead(head, routes.find(requirement), guard),
    handle: async message => (paths.includes(pathOf(message.target)) ? published(names.name(message)) : undefined),
    ready: async () => replay.ready?.(),
    clientOf: client,
    ...ownRefusals(mode, tellOwn(tell, telemetry), names),
    responseHeaders(response, requirement, message) {
      const { headers } = response
      takeRetryOff(response)
      if (mode === 'enforce') {
        setRateHeaders(headers, charges.get(names.named(message))?.values() ?? [])
        protectFromCaches(headers, requirement.cacheControl === 'handler')
      }
      cors?.expose(message, headers)
    },
  }
}

/** Events say whose they are. */
function of(resource: string, observer: Observer): Observer {
  return event => observer({ ...event, resource })
}

function documentRoute(path: string, document: object): [string, Route] {
  return [path, { methods: ['GET', 'HEAD'], answer: () => documentResponse(document) }]
}

function malformedTarget(message: ReceivedMessage, now: () => number): Response | undefined {
  try {
    checkTarget(message)
    return undefined
  } catch (error) {
    return errorResponse(asAAuthError(error), { now })
  }
}

function verifierOf(
  options: ResourceOptions<string>,
  known: Pick<VerifierOptions, 'discovery' | 'now' | 'tolerance'> & { readonly authServers: readonly string[] },
): Verifier {
  const { id, authorities, agents = 'any', development = false, telemetry } = options
  return createVerifier({
    receiver: id,
    ...(authorities === undefined ? {} : { authorities }),
    ...(telemetry === undefined ? {} : { onToken: seen => telemetry.token(seen) }),
    agents: withoutDenied(agents, options.deny),
    development,
    // Everything signed is verified in full, also where less would do: a failure always refuses.
    accept: ['hwk', 'jwks_uri', 'agent+jwt', 'auth+jwt'],
    ...known,
  })
}
