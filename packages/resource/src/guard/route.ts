import { identityScopes, type Level, satisfies, serializeScope } from '@countersign/protocol'
import { checkIdentifierList } from '@countersign/protocol/internal'
import { unshownOf } from '../approval/unshown.js'
import { parseLimits } from '../limit/limits.js'
import { checkRequirement } from './check-requirement.js'
import { checkDeny, checkUsers, type UserOfAgent } from './deny.js'
import type { BodyRule, Requirement, Route, RouteContext } from './requirement.js'
import { checkOperation, checkPurposes } from './route-words.js'
import { besideOf, type WebBot } from './web-bot.js'

/**
 * Checks a requirement when a route is made.
 * @param family names the counters of the route's own limits
 * @throws TypeError for a requirement that no request could meet, or that means something else than it seems to
 */
export function routeOf(requirement: Requirement, context: RouteContext, family: string): Route {
  checkRequirement(requirement)
  const { agents = 'any', components = [], replay = 'unsafe', body = 'whole', limits = {}, users, deny } = requirement
  const { policy, via, name, alsoAccept, purposes, operation, describe, approve = false } = requirement
  const scope = scopeOf(requirement, context)
  const level = requirement.level ?? defaultLevel(scope)
  if (level === 'authorized' && scope.length === 0)
    throw new TypeError('level authorized needs a scope: auth tokens are asked for by scope')
  if (agents !== 'any' && !satisfies(level, 'identified'))
    throw new TypeError('a list of agents needs level identified or authorized: below them the agent is unknown')
  checkIdentifierList(agents, { development: context.development })
  if (users !== undefined) checkAdmitted(users, level, context)
  if (deny !== undefined) checkDeny(deny, context)
  if (via !== undefined) checkVia(via, level, context)
  checkPurposes(requirement, level, context)
  checkOperation(requirement, level, context)
  checkComponents(components)
  // An operator who lists agents does not expect callers that no list names.
  if (alsoAccept !== undefined && (agents !== 'any' || via !== undefined))
    throw new TypeError('alsoAccept does not go with agents or via: a bearer token or bot names no agent')
  const beside = besideOf(alsoAccept)
  if (beside.webBot !== undefined) checkWebBot(beside.webBot, { scope, body, context })
  return {
    name,
    level,
    scope,
    agents,
    users,
    deny: [context.deny, deny].filter(rule => rule !== undefined),
    components: [...new Set([...context.components, ...components])],
    body,
    replay,
    limits: { ...context.limits, ...parseLimits(limits, family, context.siteOf) },
    policy,
    via,
    purposes,
    operation,
    describe,
    unshown: unshownOf(requirement.unshown ?? []),
    approve,
    beside,
  }
}

/** @throws TypeError for a route that no bot could use, or whose body nothing would compare with its digest */
function checkWebBot(
  { bots }: WebBot,
  {
    scope,
    body,
    context,
  }: { readonly scope: readonly string[]; readonly body: BodyRule; readonly context: RouteContext },
): void {
  if (scope.length > 0) throw new TypeError('webBot does not go with a scope: nobody has granted one to a bot')
  if (body === 'stream')
    throw new TypeError("webBot does not go with body: 'stream': the body is compared with its digest first")
  checkIdentifierList(bots, { development: context.development })
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
    throw new TypeError('a route with a scope needs authServers: without one it can never be allowed')
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
