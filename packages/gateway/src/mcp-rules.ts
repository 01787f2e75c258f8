import type { McpRules } from '@countersign/mcp-sdk1'
import type { Deny, DenyLists, Policy, Requirement } from '@countersign/resource'
import { isDenied } from '@countersign/resource/internal'

/**
 * Adds the requirement of the route to each rule: a server without sessions gets calls without one, and then only the rule of the
 * tool protects it from strangers. The route's lists of allowed callers count for rules that have no such list; callers that the
 * route or its policy refuses are refused by every rule.
 * @throws TypeError for a rule below level authorized on a route with `users`, `via` or `purposes`: they are unknown below that level
 */
export function rulesWithin<S extends string>(
  route: Requirement<S>,
  rules: Omit<McpRules<S>, 'session' | 'optional'>,
): Omit<McpRules<S>, 'session' | 'optional'> {
  return Object.fromEntries(
    Object.entries(rules)
      .filter(([, named]) => named !== undefined)
      .map(([kind, named]) => [
        kind,
        Object.fromEntries(Object.entries(named).map(([name, rule]) => [name, ruleWithin(route, rule)])),
      ]),
  )
}

function ruleWithin<S extends string>(route: Requirement<S>, rule: Requirement<S>): Requirement<S> {
  const { agents, users, via, purposes } = route
  const hasUser = rule.level === 'authorized' || (rule.level === undefined && (rule.scope ?? []).length > 0)
  if (!hasUser && [users, via, purposes].some(asked => asked !== undefined))
    throw new TypeError(
      'each rule of a route with users, via or purposes needs a scope: below level authorized they are unknown',
    )
  return {
    ...(agents === undefined ? {} : { agents }),
    ...(users === undefined ? {} : { users }),
    ...(via === undefined ? {} : { via }),
    ...(purposes === undefined ? {} : { purposes }),
    ...rule,
    ...refusals(route, rule),
  }
}

/** A `deny` that refuses the callers that either refuses. */
function refusals<S extends string>(
  route: Requirement<S>,
  rule: Requirement<S>,
): Pick<Requirement<S>, 'deny' | 'policy'> {
  const denied = [route.deny, rule.deny].filter(deny => deny !== undefined)
  const policies = [route.policy, rule.policy].filter(policy => policy !== undefined)
  return {
    ...(denied.length === 0 ? {} : { deny: either(denied) }),
    ...(policies.length === 0 ? {} : { policy: every(policies) }),
  }
}

/** Not as a policy: a policy runs after level and scope, and a denied caller must not be challenged for those first. */
function either(denied: readonly Deny[]): Deny {
  const lists = denied.filter(deny => typeof deny !== 'function')
  return lists.length === denied.length ? joined(lists) : aauth => isDenied(denied, aauth)
}

function joined(all: readonly DenyLists[]): DenyLists {
  return {
    agents: all.flatMap(({ agents = [] }) => agents),
    delegates: all.flatMap(({ delegates = [] }) => delegates),
    users: all.flatMap(({ users = [] }) => users),
  }
}

function every(policies: readonly Policy[]): Policy {
  return async aauth => {
    for (const policy of policies) {
      const verdict = await policy(aauth)
      if (verdict !== true) return verdict
    }
    return true
  }
}
