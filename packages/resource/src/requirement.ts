import {
  checkIdentifierList,
  type IdentifierList,
  identityScopes,
  type Level,
  satisfies,
  serializeScope,
} from '@countersign/protocol'
import type { AAuth } from './aauth.js'
import type { Bearer } from './bearer.js'
import { checkRequirement } from './check-requirement.js'
import { checkDeny, checkUsers, type Deny, type UserOfAgent } from './deny.js'
import { type Limits, parseLimits, type RouteLimits, type SiteOf } from './limits.js'

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

/**
 * Checks a requirement when a route is made.
 * @param family names the counters of the route's own limits
 * @throws TypeError for a requirement nobody could meet or that does not say what it seems to
 */
export function routeOf(requirement: Requirement, context: RouteContext, family: string): Route {
  checkRequirement(requirement)
  const { agents = 'any', components = [], replay = 'unsafe', body = 'whole', limits = {}, users, deny } = requirement
  const { policy, via, name, alsoAccept } = requirement
  const scope = scopeOf(requirement, context)
  const level = requirement.level ?? defaultLevel(scope)
  if (level === 'authorized' && scope.length === 0)
    throw new TypeError('level authorized needs a scope: auth tokens are asked for by scope')
  if (agents !== 'any' && !satisfies(level, 'identified'))
    throw new TypeError('a list of agents needs level identified or authorized: below, nobody knows the agent')
  checkIdentifierList(agents, { development: context.development })
  if (users !== undefined) checkAdmitted(users, level, context)
  if (deny !== undefined) checkDeny(deny, context)
  if (via !== undefined) checkVia(via, level, context)
  checkComponents(components)
  // Whoever keeps a list of agents does not expect that somebody passes who is on none.
  if (alsoAccept !== undefined && (agents !== 'any' || via !== undefined))
    throw new TypeError('alsoAccept does not go with agents or via: a bearer token names no agent')
  return {
    ...(name === undefined ? {} : { name }),
    level,
    scope,
    agents,
    ...(users === undefined ? {} : { users }),
    deny: [context.deny, deny].filter(rule => rule !== undefined),
    components: [...new Set([...context.components, ...components])],
    body,
    replay,
    limits: { ...context.limits, ...parseLimits(limits, family, context.siteOf) },
    ...(policy === undefined ? {} : { policy }),
    ...(via === undefined ? {} : { via }),
    ...(alsoAccept === undefined ? {} : { alsoAccept }),
  }
}

function checkAdmitted(users: readonly UserOfAgent[], level: Level, context: RouteContext): void {
  if (level !== 'authorized')
    throw new TypeError('users needs a scope: only an auth token tells for whom an agent acts')
  checkUsers(users, context)
}

function checkVia(via: readonly string[], level: Level, { development }: RouteContext): void {
  if (level !== 'authorized')
    throw new TypeError('via needs a scope: only an auth token tells through whom a request has come')
  if (!Array.isArray(via) || via.length === 0) throw new TypeError('via must name at least one service')
  checkIdentifierList(via, { development })
}

function scopeOf(requirement: Requirement, context: RouteContext): readonly string[] {
  const asked = requirement.scope ?? []
  const scope = typeof asked === 'string' ? [asked] : asked
  if (scope.length === 0) return []
  if (context.authServers.length === 0)
    throw new TypeError('a route with a scope needs authServers: without one nobody can allow it')
  const unknown = scope.filter(name => !context.scopes.includes(name) && !identityScopes.includes(name))
  if (unknown.length > 0) throw new TypeError(`a route needs a scope the resource does not have: ${unknown.join(' ')}`)
  serializeScope(scope)
  return scope
}

/** Where no level is said there is a scope or a list of agents: `checkRequirement` has refused what says nothing. */
function defaultLevel(scope: readonly string[]): Level {
  return scope.length > 0 ? 'authorized' : 'identified'
}

/**
 * Checks names of components that signatures must cover.
 * @throws TypeError for one that is no component of a request in its bare, lower-case form
 */
export function checkComponents(components: readonly string[]): void {
  const derived = ['@method', '@authority', '@path', '@query', '@scheme', '@target-uri', '@request-target']
  for (const name of components) {
    if (!derived.includes(name) && !/^[a-z0-9!#$%&'*+.^_`|~-]+$/.test(name))
      throw new TypeError('components are lower-case header names or derived components of a request')
  }
}
