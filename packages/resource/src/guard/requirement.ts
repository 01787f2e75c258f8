import type { IdentifierList, Level } from '@countersign/protocol'
import type { Limits, RouteLimits, SiteOf } from '../limit/limits.js'
import type { AAuth } from './aauth.js'
import type { Bearer } from './bearer.js'
import type { Deny, UserOfAgent } from './deny.js'

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
  /** The agents that are let in; exact identifiers or `https://*.host`. Default any. Needs level identified or authorized. */
  readonly agents?: IdentifierList
  /** The users that are let in. Default any. Needs a scope: only an auth token tells for whom an agent acts. */
  readonly users?: readonly UserOfAgent[]
  /** Who is refused here, beside those whom the resource refuses everywhere. */
  readonly deny?: Deny
  /**
   * Services that a request must have come through: one of them at least stands between the agent that a user let in and
   * this resource. Needs a scope.
   * @see protocol §7
   */
  readonly via?: readonly string[]
  /** Components beyond the usual ones that must be covered where a request has them. */
  readonly components?: readonly string[]
  /**
   * `whole` (default): the body is read and compared with its digest before the handler runs, up to a limit of bytes. `stream`: for
   * uploads. Its digest must be signed, but is compared as the handler reads, however much that is: **until the body has ended
   * without an error, its bytes are anybody's**. One that is another than was signed never ends: reading fails, and where Node's own request can be had its connection is aborted.
   * @see protocol §3.4
   */
  readonly body?: BodyRule
  /** Which requests pass only once: those with an unsafe method (default), or `all`. */
  readonly replay?: 'unsafe' | 'all'
  /** Limits of this route alone; levels it does not name count with the whole resource. */
  readonly limits?: Limits
  /**
   * The last word over a caller that passed all else: `true` lets it pass, `false` refuses it for good, and a level refuses it
   * with 403 and a challenge for that level, which might help.
   */
  readonly policy?: Policy
  /**
   * OAuth access tokens that pass as well, for requests that are not signed, whatever the level; see `bearer`. A signed request
   * is never judged by its bearer token. Not with `agents` or `via`: a bearer token names no agent.
   */
  readonly alsoAccept?: Bearer
  /** `handler`: the handler's own `Cache-Control` stands. Default: responses are made `private`. */
  readonly cacheControl?: 'handler'
}

/** When a body is compared with the digest that was signed. */
export type BodyRule = 'whole' | 'stream'

/** Decides over the facts of a request; a level is a refusal that says what might help. */
export type Policy = (aauth: AAuth) => boolean | Level | Promise<boolean | Level>

/** Scopes about the user, which need no description of a resource's own. */
export type IdentityScope = 'openid' | 'profile' | 'email' | 'address' | 'phone'

/** A requirement, checked and with its defaults filled in. */
export interface Route {
  readonly name?: string
  readonly level: Level
  readonly scope: readonly string[]
  readonly agents: IdentifierList
  readonly users?: readonly UserOfAgent[]
  readonly deny: readonly Deny[]
  readonly via?: readonly string[]
  readonly components: readonly string[]
  readonly body: BodyRule
  readonly replay: 'unsafe' | 'all'
  readonly limits: RouteLimits
  readonly policy?: Policy
  readonly alsoAccept?: Bearer
}

/** What a resource knows that its routes are checked against. */
export interface RouteContext {
  readonly scopes: readonly string[]
  readonly authServers: readonly string[]
  readonly components: readonly string[]
  readonly limits: RouteLimits
  readonly siteOf?: SiteOf
  readonly development: boolean
  /** Who is refused everywhere. */
  readonly deny?: Deny
}
