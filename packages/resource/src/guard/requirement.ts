import type { IdentifierList, Level } from '@countersign/protocol'
import type { Describe } from '../approval/describe.js'
import type { Unshown } from '../approval/unshown.js'
import type { Limits, RouteLimits, SiteOf } from '../limit/limits.js'
import type { AAuth } from './aauth.js'
import type { Deny, UserOfAgent } from './deny.js'
import type { AlsoAccept, Beside } from './web-bot.js'

/**
 * What a route asks of its callers.
 * @see protocol §1, §4
 */
export interface Requirement<S extends string = string> {
  /** What the route is called in events, such as `/orders`: never what a caller sent. */
  readonly name?: string
  /**
   * The lowest level that passes. Default: `authorized` with `scope`, `identified` with `agents`; without either it must be said.
   */
  readonly level?: Level
  /** The scopes an auth token must carry, all of them. Below level authorized: what a caller over its limit may ask for. */
  readonly scope?: S | IdentityScope | ReadonlyArray<S | IdentityScope>
  /** Agents that the route admits: exact identifiers or `https://*.host`. Default: any. Needs level identified or authorized. */
  readonly agents?: IdentifierList
  /** Users that the route admits. Default: any. Needs a scope: only an auth token names the user an agent acts for. */
  readonly users?: readonly UserOfAgent[]
  /** Callers that this route refuses, beside those that the resource refuses everywhere. */
  readonly deny?: Deny
  /**
   * Services of which at least one must stand in the chain between the agent that the user admitted and this resource. Needs a scope.
   * @see protocol §7
   */
  readonly via?: readonly string[]
  /**
   * Purposes that the route admits: a token must have some, all of them among these. Needs a scope.
   * @see protocol §9.1
   */
  readonly purposes?: readonly string[]
  /**
   * What requests of the route do: a name among `operations` of the resource. Policies name it; without one, a request that changes
   * something is refused to callers whose policy looks at arguments or asks approval.
   * @see protocol §9.1
   */
  readonly operation?: string
  /** Says what a request is about to do, for the user who approves it. Needs an operation. Not with `body: 'stream'`. */
  readonly describe?: Describe
  /**
   * What a user who approves a request need not see of it, by place: `body/trace`, `query/page`, `path/3`, or a whole `body`, `query` or
   * `path`. In the body, `*` is every member or element. Default none: a request that holds more than `describe` shows is refused.
   * @see protocol §9.4
   */
  readonly unshown?: readonly string[]
  /**
   * A user approves each single request. Needs a scope and an operation; not with `alsoAccept` or `body: 'stream'`.
   * @see protocol §9.4
   */
  readonly approve?: true
  /** Components beyond the usual ones that must be covered where a request has them. */
  readonly components?: readonly string[]
  /**
   * `whole` (default): the body is read and compared with its digest before the handler runs, up to a limit of bytes. `stream`, for
   * uploads of any size: its digest must be signed, and is compared as the handler reads. **Until the body has ended without an error,
   * its bytes are unverified.** A body that differs from the signed one never ends: reading fails, and on Node the connection is aborted.
   * @see protocol §3.4
   */
  readonly body?: BodyRule
  /** Which requests pass only once: those with an unsafe method (default), or `all`. */
  readonly replay?: 'unsafe' | 'all'
  /** Limits of this route alone; levels it does not name count with the whole resource. */
  readonly limits?: Limits
  /**
   * Decides about a caller that passed all other checks: `true` lets it pass, `false` refuses it, and a level refuses it with 403 and
   * a challenge for that level.
   */
  readonly policy?: Policy
  /**
   * What unsigned requests may use instead, whatever the level: OAuth access tokens (`bearer`), signatures of bots (`webBot`), or a list
   * of both. A signed request is never judged by them. Not with `agents` or `via`: neither names an agent. Bots not with a scope,
   * either, and not with `body: 'stream'`.
   */
  readonly alsoAccept?: AlsoAccept
  /** `handler` keeps the handler's own `Cache-Control`. Default: responses are made `private`. */
  readonly cacheControl?: 'handler'
}

/** How what guards a route handles answers and bodies: conditions that it cannot keep refuse. @see protocol §9 */
export interface RouteHandling {
  /**
   * `projected`: the answer goes out as far as `authorization.answer` lets it. Default: nothing sees the answer, and callers with
   * conditions of type `data` are refused.
   */
  readonly answers?: 'projected'
  /** `unseen`: no body is there to be judged, so that `arguments` refuses. Default: it is in the message. */
  readonly bodies?: 'unseen'
  /** The first segment of the path that the route leaves open: of `/messages/*` the second. A user who approves a request sees all from there on. */
  readonly openFrom?: number
}

/** What a message in the body of a request says that it does, where one route takes messages of several kinds. */
export interface MessageCall {
  /** The operation, unless the requirement names one. */
  readonly operation?: string | undefined
  /** Its arguments, as JSON: conditions of type `arguments` look at these, and not at the body. */
  readonly operand?: Uint8Array | undefined
  /** It only reads, whatever the method of the request: a list, a ping. */
  readonly reads?: boolean | undefined
  /** It opens a stream: no answer that could be judged as a whole. */
  readonly opensStream?: boolean | undefined
}

/** When a body is compared with the digest that was signed. */
export type BodyRule = 'whole' | 'stream'

/** Decides by the facts of a request; a level refuses it with a challenge for that level. */
export type Policy = (aauth: AAuth) => boolean | Level | Promise<boolean | Level>

/** Scopes about the user, which need no description of a resource's own. */
export type IdentityScope = 'openid' | 'profile' | 'email' | 'address' | 'phone'

/** A requirement, checked and with its defaults filled in. */
export interface Route {
  readonly name?: string | undefined
  readonly level: Level
  readonly scope: readonly string[]
  readonly agents: IdentifierList
  readonly users?: readonly UserOfAgent[] | undefined
  readonly deny: readonly Deny[]
  readonly via?: readonly string[] | undefined
  readonly purposes?: readonly string[] | undefined
  readonly operation?: string | undefined
  readonly describe?: Describe | undefined
  readonly unshown: Unshown
  /** A user approves each request, whatever the conditions of its token say. */
  readonly approve: boolean
  /** The protocol in the body says that this request only reads, whatever its method: a list, a ping. */
  readonly reads?: boolean | undefined
  readonly components: readonly string[]
  readonly body: BodyRule
  readonly replay: 'unsafe' | 'all'
  readonly limits: RouteLimits
  readonly policy?: Policy | undefined
  readonly beside: Beside
  readonly handling?: RouteHandling | undefined
}

/** What a resource knows that its routes are checked against. */
export interface RouteContext {
  readonly scopes: readonly string[]
  /** Names of purposes and operations that it publishes. */
  readonly purposes: readonly string[]
  readonly operations: readonly string[]
  readonly authServers: readonly string[]
  readonly components: readonly string[]
  readonly limits: RouteLimits
  readonly siteOf?: SiteOf | undefined
  readonly development: boolean
  /** Callers that every route refuses. */
  readonly deny?: Deny | undefined
}
