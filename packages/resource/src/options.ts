import type { Discovery } from '@countersign/discovery'
import type { ReceivedMessage, ReplaySet } from '@countersign/httpsig'
import type { AAuthError, Cors, CorsOrigins, CorsRequest, IdentifierList, PublishedKey } from '@countersign/protocol'
import type { TrustedProxies } from '@countersign/verify'
import type { ResourceWords } from './approval/words.js'
import type { DownstreamOptions } from './downstream/downstream.js'
import type { Telemetry } from './event/telemetry.js'
import type { Authorization } from './guard/authorization.js'
import type { Deny } from './guard/deny.js'
import type { DescribedScope } from './guard/described-scope.js'
import type { Observer } from './guard/event.js'
import type { AnswerHead } from './guard/handed-on.js'
import type { RequestNamer } from './guard/request-name.js'
import type { MessageCall, Requirement, RouteHandling } from './guard/requirement.js'
import type { Counter } from './limit/counter.js'
import type { Limits, SiteOf } from './limit/limits.js'
import type { RevocationSet } from './revocation/revocation-set.js'

/** What a resource is made of. */
export interface ResourceOptions<S extends string = string> extends TrustedProxies, ResourceWords {
  /** The resource identifier: an https origin. */
  readonly id: string
  /** Published keys; the first signs resource tokens. */
  readonly keys: readonly PublishedKey[]
  /**
   * Where its keys are published; its metadata says so. Default `/.well-known/jwks.json`, which is an issuer's own on an origin that
   * is an OAuth server, too.
   */
  readonly jwksPath?: string
  /**
   * Auth servers whose auth tokens are accepted. Challenges name the first to agents that have no token yet. Without one, no route can
   * ask for a scope.
   */
  readonly authServers?: readonly string[]
  /** Scope → what it lets an agent do, in words for users. */
  readonly scopes?: Readonly<Record<S, string | DescribedScope>>
  /** Authorities that the resource answers under. Default: that of `id`. Never taken from the request. */
  readonly authorities?: readonly string[]
  /** Agents that the resource admits; nothing is fetched for others. Default: any. */
  readonly agents?: IdentifierList
  /** Callers that every route refuses, whatever their token says. Nothing is fetched for an agent on this list. */
  readonly deny?: Deny
  /**
   * Accepts auth tokens that were issued to this resource as an agent. An app that signs its users in (its `id` is an agent
   * identifier, too) then accepts, at its own API, the token by which its delegate acts for a user. Such a token has no `agent`; the
   * caller's agent is `id`. With `agents: [id]` no other agent is admitted. Default: false.
   * @see protocol §5, §6.2
   */
  readonly acceptOwnAgent?: boolean
  /** Components beyond the usual ones that all routes demand. */
  readonly components?: readonly string[]
  /** Limits that all routes share. Default none. */
  readonly limits?: Limits
  /**
   * Tells the site of an agent. The limit `site` counts by it and needs it. The replay set is shared by it, too; there the default is
   * the registrable domain by the ICANN part of the Public Suffix List, where the platform has that list. See {@link SiteOf}.
   */
  readonly siteOf?: SiteOf
  /** Resource tokens that one agent gets, for all its delegates together. Default: `600/min`. */
  readonly resourceTokenLimit?: string
  /**
   * How many signed requests of one network (an IPv4 address, an IPv6 /64) may fail verification or be replays, e.g. `600/min`. Past
   * it, signed requests of that network get 429 until the window ends. Each process counts for itself. Default: no limit. Without
   * `trustedProxies`, private addresses are not counted: one may be a proxy, with everyone behind it.
   */
  readonly failureLimit?: string
  /**
   * Fetches the documents and keys of others. Default: a discovery of this resource's own. Required where the platform has no guarded
   * fetcher.
   */
  readonly discovery?: Discovery
  /** Remembers requests, to refuse replays. Default: in the memory of this process. */
  readonly replay?: ReplaySet
  /**
   * Remembers grants that auth servers have revoked. Default: in the memory of this process; after a restart that one refuses tokens
   * issued before it, and for 5 s all revocable tokens (503, agents repeat the request). `redisRevocationSet()` of
   * `@countersign/resource/redis` is for several instances, and survives restarts. `'none'`: grants cannot be revoked here; their tokens
   * are good until they expire.
   * @see protocol §6.6
   */
  readonly revocations?: RevocationSet | 'none'
  /** Counts requests for the limits. Default: in the memory of this process. */
  readonly counter?: Counter
  /** Seconds that `created` may differ from now. Default 60, 1 to 300. */
  readonly tolerance?: number
  /** Unix seconds. */
  readonly now?: () => number
  /** Accepts loopback `http` identifiers. Default: false. */
  readonly development?: boolean
  /**
   * How handlers call other resources for their callers, by `aauth.fetch`. With it, the resource also publishes agent metadata, and
   * answers the two paths that the browsers of its callers' users visit. Default: handlers call no one.
   * @see protocol §7
   */
  readonly downstream?: DownstreamOptions
  /**
   * Origins whose pages may call the resource from a browser: `*` or exact origins. Default: none, CORS is off. See {@link CorsOrigins}.
   * @see protocol §4 "CORS"
   */
  readonly cors?: CorsOrigins
  readonly onEvent?: Observer
  /**
   * Names requests in events, e.g. by a header that a proxy of yours writes. It is not asked where the server has named the request
   * already: Fastify's `request.id`, the `id` of Node's request (pino-http), that of `@countersign/server`. A name that is not a short
   * plain word is replaced by a random one. Default: only those servers name requests.
   */
  readonly requestId?: RequestNamer
  /** Measures every decision: `openTelemetry()` of `@countersign/resource/otel`. Default: nothing is measured. */
  readonly telemetry?: Telemetry
  /**
   * Only observes: every request is verified, judged, counted and reported, and then passes as an anonymous one. For the first week on
   * an API that is in use. Events say `observed` and what enforcing would have done. Responses are not changed. Default: false.
   */
  readonly observe?: boolean
}

/** A protected API: verifies, decides, challenges. */
export interface Resource<S extends string = string> {
  readonly id: string
  /** The paths {@link Resource.handle} answers. */
  readonly paths: readonly string[]
  /** The one of them at which its keys are. */
  readonly jwksPath: string
  /** What `cors` turned on, for answers that no guard makes: an adapter's, a 404. */
  readonly cors?: Cors
  /**
   * Checks a requirement when a route is made, and gives the route its own counters. Pass the returned requirement to `authorize`.
   * @param handling what conditions of callers the route can keep; a route that does not project answers is none of `data`
   * @throws TypeError for a requirement that no request could meet
   */
  declare(requirement: Requirement<S>, handling?: RouteHandling): Requirement<S>
  /**
   * Lets a request pass, or returns the response that refuses it. Never throws because of a request.
   * A message object stands for one received request: the same object may pass several guards. What they did is kept in it.
   * A preflight never passes where CORS is on: its answer is the response, whatever the requirement.
   * Requirements that were not declared share the counters of their limits with equal ones.
   * @param call what a message in the body says that the request does, such as an MCP message; default: the route says it
   * @throws TypeError for a requirement that no request could meet, and a message object that is frozen
   */
  // unchecked options requirement: declare returned it, and has checked it
  authorize(message: ReceivedMessage, requirement: Requirement<S>, call?: MessageCall): Promise<Authorization>
  /**
   * Reads the body of a request before `authorize`, for adapters that find by the body which requirement judges it. The signature is
   * verified first, and with a requirement its checks of the head are made; `authorize` does not verify again. No event is sent.
   * @returns the request with its body, for `authorize`; undefined where it is refused: then `authorize` says how
   * @throws HttpSigError where the resource only observes, for a body that cannot be read
   */
  // unchecked options requirement: declare returned it, and has checked it
  read(message: ReceivedMessage, requirement?: Requirement<S>): Promise<ReceivedMessage | undefined>
  /** Answers requests for metadata, keys and resource tokens; undefined for every other path. */
  handle(message: ReceivedMessage): Promise<Response | undefined>
  /**
   * Reports a request that an adapter refuses by itself: it has no route, or two servers could read it differently.
   * @param error the adapter's answer, even where the resource only observes
   */
  refused(request: Pick<ReceivedMessage, 'requestId'>, error: AAuthError): void
  /**
   * Where the resource only observes: lets a request pass that an adapter would refuse by itself, and reports it.
   * @param error what the adapter would answer
   */
  readonly observed?: (message: ReceivedMessage, error: AAuthError) => Authorization & { readonly ok: true }
  /**
   * Resolves once a request that is signed now is judged: the replay set accepts it, at most a second after the start, and a set of
   * revocations in memory accepts tokens that are issued now, 5 s after the start (at once in development mode). Rejects when a shared
   * set does not answer. A server that reports ready earlier would refuse its first requests with 503.
   */
  ready(): Promise<void>
  /** The address that a request is counted by: the connection's, or the one that `trustedProxies` name. */
  clientOf(message: ReceivedMessage): string | undefined
  /**
   * Sets the headers of a guarded response: those that keep shared caches from serving it to the next agent, those that let a page
   * read it, and, for the very message that was authorized, what its limits leave (`RateLimit`, `RateLimit-Policy`). Removes
   * `Agent-Auth` from a 503: the handler has seen the request, so agents must not send it again.
   */
  // unchecked options requirement: declare returned it, and has checked it
  responseHeaders(response: AnswerHead, requirement: Requirement<S>, message: CorsRequest): void
}
