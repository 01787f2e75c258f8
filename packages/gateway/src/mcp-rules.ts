import type { McpRules } from '@countersign/mcp/rules'
import type { Deny, DenyLists, Policy, Requirement } from '@countersign/resource'

/**
 * Rules that ask what their route asks, too: a server that has no sessions gets calls without one, and then nothing but the rule
 * of the tool stands between it and a stranger. Lists of who is let in count where a rule has none of its own, those of users
 * and services where it asks for a scope; whom the route or its policy refuses, every rule refuses.
 */
export function rulesWithin<S extends string>(
  route: Requirement<S>,
  rules: Omit<McpRules<S>, 'session'>,
): Omit<McpRules<S>, 'session'> {
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
  const hasUser = rule.level === 'authorized' || (rule.level === undefined && rule.scope !== undefined)
  return {
    ...(agents === undefined ? {} : { agents }),
    ...(hasUser && users !== undefined ? { users } : {}),
    ...(hasUser && via !== undefined ? { via } : {}),
    ...rule,
    ...refusals(route, rule),
  }
}

/** What both refuse. */
function refusals<S extends string>(
  route: Requirement<S>,
  rule: Requirement<S>,
): Pick<Requirement<S>, 'deny' | 'policy'> {
  const all = [route.deny, rule.deny].filter(deny => deny !== undefined)
  const lists = all.filter(deny => typeof deny !== 'function')
  const judges = all.filter(deny => typeof deny === 'function')
  const policies = [...judges.map(passing), ...[route.policy, rule.policy].filter(policy => policy !== undefined)]
  return {
    ...(lists.length === 0 ? {} : { deny: joined(lists) }),
    ...(policies.length === 0 ? {} : { policy: every(policies) }),
  }
}

function joined(all: readonly DenyLists[]): DenyLists {
  return {
    agents: all.flatMap(({ agents = [] }) => agents),
    delegates: all.flatMap(({ delegates = [] }) => delegates),
    users: all.flatMap(({ users = [] }) => users),
  }
}

function passing(refuses: Extract<Deny, (...args: never[]) => unknown>): Policy {
  return async aauth => (await refuses(aauth)) === false
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
