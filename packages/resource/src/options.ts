import type { Discovery } from '@countersign/discovery'
import type { HeadJudgement, ReceivedMessage, ReplaySet } from '@countersign/httpsig'
import type { AAuthError, Cors, CorsOrigins, CorsRequest, IdentifierList, PublishedKey } from '@countersign/protocol'
import type { TrustedProxies } from '@countersign/verify'
import type { DownstreamOptions } from './downstream/downstream.js'
import type { Telemetry } from './event/telemetry.js'
import type { Authorization } from './guard/authorization.js'
import type { Deny } from './guard/deny.js'
import type { Observer } from './guard/event.js'
import type { AnswerHead } from './guard/handed-on.js'
import type { RequestNamer } from './guard/request-name.js'
import type { Requirement } from './guard/requirement.js'
import type { Counter } from './limit/counter.js'
import type { Limits, SiteOf } from './limit/limits.js'

/** What a resource is made of. */
export interface ResourceOptions<S extends string = string> extends TrustedProxies {
  /** The resource identifier: an https origin. */
  readonly id: string
  /** Published keys; the first signs resource tokens. */
  readonly keys: readonly PublishedKey[]
  /**
   * Where its keys are published; its metadata says so. Default `/.well-known/jwks.json`, which is an issuer's own on an origin that
   * is an OAuth server, too.
   */
  readonly jwksPath?: string
  /** Auth servers whose tokens count; the first is named to those who have none. Without any, no route can ask for a scope. */
  readonly authServers?: readonly string[]
  /** Scope → what it lets an agent do, in words for users. */
  readonly scopes?: Readonly<Record<S, string>>
  /** Authorities it answers under. Default: that of `id`. Never taken from the request. */
  readonly authorities?: readonly string[]
  /** Agents that are let in at all; nothing is fetched for others. Default any. */
  readonly agents?: IdentifierList
  /** Who is refused everywhere, whatever they bring. For agents on its list nothing is fetched. */
  readonly deny?: Deny
  /**
   * Whether tokens of the agent that this resource is itself count: an app that signs its users in (`id` is an agent identifier,
   * too) then takes, at its own API, the token by which its delegate acts for a user. Such a token names no `agent`; the caller's
   * is `id`. Default false: whoever is no agent has no use for it. `agents: [id]` lets nobody else in.
   * @see protocol §5, §6.2
   */
  readonly acceptOwnAgent?: boolean
  /** Components beyond the usual ones that all routes demand. */
  readonly components?: readonly string[]
  /** Limits that all routes share. Default none. */
  readonly limits?: Limits
  /**
   * What the limit `site` counts by, which needs it, and whose share of the replay set agents take; for that the default is the
   * registrable domain by the ICANN part of the Public Suffix List, where the platform carries one. See {@link SiteOf}.
   */
  readonly siteOf?: SiteOf
  /** Resource tokens one agent gets, all its delegates together. Default `600/min`. */
  readonly resourceTokenLimit?: string
  /**
   * Signed requests of one network (an IPv4 address, an IPv6 /64) that may fail verification or be replays, e.g. `600/min`; beyond,
   * the signed requests of that network are 429 until the window ends. Counted by this process alone. Default none. Without
   * `trustedProxies` private addresses are not counted: one may be a proxy, with everyone behind it.
   */
  readonly failureLimit?: string
  /** Whose documents and keys to trust. Default: a discovery of its own; where a platform has no guarded fetcher it must be given. */
  readonly discovery?: Discovery
  /** What was seen. Default: in the memory of this process. */
  readonly replay?: ReplaySet
  /** Counts for the limits. Default: in the memory of this process. */
  readonly counter?: Counter
  /** Seconds that `created` may differ from now. Default 60, 1 to 300. */
  readonly tolerance?: number
  /** Unix seconds. */
  readonly now?: () => number
  /** Loopback http identifiers are accepted. Default false. */
  readonly development?: boolean
  /**
   * How it calls others for its callers, by `aauth.fetch`. Default: it does not. With it, it also publishes that it is an
   * agent, and answers the two paths at which its callers' users come by.
   * @see protocol §7
   */
  readonly downstream?: DownstreamOptions
  /**
   * Whose pages may call it from a browser: `*` or exact origins. Default none: CORS is off. See {@link CorsOrigins}.
   * @see protocol §4 "CORS"
   */
  readonly cors?: CorsOrigins
  readonly onEvent?: Observer
  /**
   * Names requests in events, e.g. by a header that a proxy of yours writes. A name that whatever received the request gave it
   * stands: Fastify's `request.id`, an `id` of Node's request (pino-http), a server's of `@countersign/server`. What is no short
   * plain word is replaced by a new one. Default: no other request has a name.
   */
  readonly requestId?: RequestNamer
  /** Measures every decision: `openTelemetry()` of `@countersign/resource/otel`. Default: nothing is measured. */
  readonly telemetry?: Telemetry
  /**
   * Verifies, decides, counts and tells, and lets every request through with the facts of an anonymous one: for the first week
   * on an API that is in use. Events say `observed`, and what enforcing would have done. Answers are left as they are.
   * Default false.
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
   * Checks a requirement when a route is made, and gives the route counters of its own. Pass what it returns to `authorize`.
   * @throws TypeError for a requirement nobody could meet
   */
  declare(requirement: Requirement<S>): Requirement<S>
  /**
   * Lets a request pass, or says with which response to refuse it. Never throws for what came over the wire.
   * A message object stands for one received request: the same object may pass several guards.
   * A preflight never passes where CORS is on: its answer is the response, whatever the requirement.
   * Requirements that were not declared share the counters of their limits with equal ones.
   * @throws TypeError for a requirement nobody could meet
   */
  authorize(message: ReceivedMessage, requirement: Requirement<S>): Promise<Authorization>
  /**
   * Judges a request by its head, before its body is read, for adapters: pass it to `fromNode`, `peekNode` or `fromRequest`, and the
   * message that comes of it to `authorize` (without `requirement`: to `handle`), which do not verify again what the head has proven.
   * Nothing is told; what does not verify is counted against `failureLimit`, once.
   */
  judgeHead(head: ReceivedMessage, requirement?: Requirement<S>): HeadJudgement
  /** Answers metadata, keys and the resource token endpoint; nothing for any other path. */
  handle(message: ReceivedMessage): Promise<Response | undefined>
  /**
   * Tells of a request that an adapter refuses by itself, since no route is for it, or two servers could read it differently.
   * @param error what the adapter answers, even where the resource only observes
   */
  refused(request: Pick<ReceivedMessage, 'requestId'>, error: AAuthError): void
  /**
   * Where the resource only observes: lets a request through that an adapter would refuse by itself, and tells so.
   * @param error what the adapter would answer
   */
  readonly observed?: (message: ReceivedMessage, error: AAuthError) => Authorization & { readonly ok: true }
  /**
   * Resolves once a request signed now would pass the replay set, at most a second after the start; rejects when a shared set does not
   * answer. A server that says that it is ready before would refuse its first unsafe request with 503.
   */
  ready(): Promise<void>
  /** The address that a request is counted under: the connection's, or what `trustedProxies` say. */
  clientOf(message: ReceivedMessage): string | undefined
  /**
   * Sets on a guarded response what keeps shared caches from serving it to the next agent, what lets the page of a browser
   * agent read it, and, for the very message that was authorized, how much its limits leave (`RateLimit`, `RateLimit-Policy`).
   * Takes `Agent-Auth` off a 503: the request was handed on, so it must not be sent again by itself.
   */
  responseHeaders(response: AnswerHead, requirement: Requirement<S>, message: CorsRequest): void
}
