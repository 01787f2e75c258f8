import type { McpRules } from '@countersign/mcp/rules'
import { type Deny, type DenyLists, isDenied, type Policy, type Requirement } from '@countersign/resource'

/**
 * Rules that ask what their route asks, too: a server that has no sessions gets calls without one, and then nothing but the rule
 * of the tool stands between it and a stranger. Lists of who is let in count where a rule has none of its own; whom the route or
 * its policy refuses, every rule refuses.
 * @throws TypeError for a rule below level authorized where the route asks for users or services: nobody would know them
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
  const { agents, users, via } = route
  const hasUser = rule.level === 'authorized' || (rule.level === undefined && (rule.scope ?? []).length > 0)
  if (!hasUser && (users !== undefined || via !== undefined))
    throw new TypeError(
      'each rule of a route with users or via needs a scope: below level authorized nobody knows them',
    )
  return {
    ...(agents === undefined ? {} : { agents }),
    ...(users === undefined ? {} : { users }),
    ...(via === undefined ? {} : { via }),
    ...rule,
    ...refusals(route, rule),
  }
}

/** What both refuse. */
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

/** Never a policy: that has its say once a caller has what it takes, and whoever is denied is not led on to that. */
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
