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
   * OAuth access tokens that unsigned requests may use instead, whatever the level; see `bearer`. A signed request is never judged by
   * its bearer token. Not with `agents` or `via`: a bearer token names no agent.
   */
  readonly alsoAccept?: Bearer
  /** `handler` keeps the handler's own `Cache-Control`. Default: responses are made `private`. */
  readonly cacheControl?: 'handler'
}

/** When a body is compared with the digest that was signed. */
export type BodyRule = 'whole' | 'stream'

/** Decides by the facts of a request; a level refuses it with a challenge for that level. */
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
  /** Callers that every route refuses. */
  readonly deny?: Deny
}
