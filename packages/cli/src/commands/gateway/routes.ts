import { UsageError } from '@countersign/fetch'
import type { GatewayRoute } from '@countersign/gateway'
import type { DenyLists, Limits, Requirement, UserOfAgent } from '@countersign/resource'

/** What a route, or the gateway for all its routes, asks of callers. */
export interface RequirementSettings {
  readonly level?: 'anonymous' | 'pseudonymous' | 'identified' | 'authorized' | undefined
  readonly scope?: readonly string[] | undefined
  readonly agents?: readonly string[] | undefined
  readonly limits?: Readonly<Record<string, string | undefined>> | undefined
  readonly once?: 'unsafe' | 'all' | undefined
  readonly users?: readonly UserSettings[] | undefined
  readonly deny?: DenySettings | undefined
}

type Loose<T> = { readonly [K in keyof T]: T[K] | undefined }
type UserSettings = Loose<UserOfAgent> & Pick<UserOfAgent, 'iss' | 'sub'>
interface DenySettings extends Loose<Omit<DenyLists, 'users'>> {
  readonly users?: readonly UserSettings[] | undefined
}

/** Requirements by name, as they are configured. */
type NamedSettings = Readonly<Record<string, RequirementSettings>>

/** What an MCP server's tools, prompts and resources ask. */
export interface McpSettings {
  readonly tools?: NamedSettings | undefined
  readonly prompts?: NamedSettings | undefined
  readonly resources?: NamedSettings | undefined
  readonly optional?: readonly string[] | undefined
}

interface RouteSettings extends RequirementSettings {
  readonly path: string
  readonly methods?: readonly string[] | undefined
  readonly mcp?: McpSettings | undefined
}

/** The part of a gateway's settings that its routes are made of. */
export interface RoutesSettings extends RequirementSettings {
  readonly authServer?: readonly string[] | undefined
  readonly scopes?: Readonly<Record<string, string>> | undefined
  readonly routes?: readonly RouteSettings[] | undefined
}

/** Scopes named on the command line need no words; they are then shown as they are. */
export function scopesOf(settings: RoutesSettings): Record<string, string> {
  const routes = settings.routes ?? []
  const named = [settings, ...routes, ...routes.flatMap(({ mcp }) => partsOf(mcp))].flatMap(part => part.scope ?? [])
  return { ...Object.fromEntries(named.map(scope => [scope, scope])), ...settings.scopes }
}

function partsOf({ tools, prompts, resources }: McpSettings = {}): RequirementSettings[] {
  return [tools, prompts, resources].flatMap(named => Object.values(named ?? {}))
}

/**
 * The routes as they are configured; what a route does not say itself, the gateway says for all.
 * Not their limits: those of the gateway are counted over all routes together, by the resource.
 * @throws UsageError for a scope that no auth server could grant
 */
export function routesOf(settings: RoutesSettings): Array<GatewayRoute<string>> {
  const { routes = [{ path: '/*' }] } = settings
  return routes.map(({ path, methods, mcp, ...own }) => {
    const requirement = requirementOf({ ...inherited(settings, own), ...own })
    const needsScope = requirement.scope !== undefined || partsOf(mcp).some(({ scope }) => scope !== undefined)
    if (needsScope && (settings.authServer ?? []).length === 0) {
      throw new UsageError(`the route ${path} needs a scope, so --auth-server must say whose tokens count`)
    }
    return {
      path,
      requirement,
      ...(methods === undefined ? {} : { methods }),
      ...(mcp === undefined ? {} : { mcp: mcpRulesOf(mcp) }),
    }
  })
}

function mcpRulesOf(mcp: McpSettings): NonNullable<GatewayRoute<string>['mcp']> {
  const rulesOf = (named: NamedSettings) =>
    Object.fromEntries(Object.entries(named).map(([name, settings]) => [name, requirementOf(settings)]))
  const { tools, prompts, resources, optional } = mcp
  return {
    ...(tools === undefined ? {} : { tools: rulesOf(tools) }),
    ...(prompts === undefined ? {} : { prompts: rulesOf(prompts) }),
    ...(resources === undefined ? {} : { resources: rulesOf(resources) }),
    ...(optional === undefined ? {} : { optional }),
  }
}

/**
 * Level and scope are one question: a route that answers it is not asked for the rest of the gateway's answer, nor for the agents
 * and users that nobody could know at the level which it names.
 */
function inherited(all: RequirementSettings, own: RequirementSettings): RequirementSettings {
  const { level, scope, agents, users, once } = all
  const answered = own.scope !== undefined || (own.level !== undefined && own.level !== 'authorized')
  return {
    once,
    ...(answered ? {} : { level, scope }),
    ...(own.level === 'anonymous' || own.level === 'pseudonymous' ? {} : { agents }),
    ...(own.level === undefined || own.level === 'authorized' ? { users } : {}),
  }
}

/** The limits that are said. */
export function limitsOf({ limits = {} }: RequirementSettings): Limits {
  return Object.fromEntries(Object.entries(limits).filter(([, limit]) => limit !== undefined))
}

/** The lists that are said. */
export function listsOf({ agents, delegates, users }: DenySettings): DenyLists {
  return {
    ...(agents === undefined ? {} : { agents }),
    ...(delegates === undefined ? {} : { delegates }),
    ...(users === undefined ? {} : { users: users.map(userOf) }),
  }
}

function userOf({ iss, sub, agent }: UserSettings): UserOfAgent {
  return { iss, sub, ...(agent === undefined ? {} : { agent }) }
}

/** Nothing said means identified: a gateway that guards nothing would be a surprise. With a scope, authorized. */
function levelOf({ level, scope }: RequirementSettings): Pick<Requirement<string>, 'level' | 'scope'> {
  if (scope === undefined) return { level: level ?? 'identified' }
  return level === undefined ? { scope } : { level, scope }
}

function requirementOf(settings: RequirementSettings): Requirement<string> {
  const limits = limitsOf(settings)
  return {
    ...levelOf(settings),
    ...(settings.agents === undefined ? {} : { agents: settings.agents }),
    ...(settings.once === undefined ? {} : { replay: settings.once }),
    ...(settings.users === undefined ? {} : { users: settings.users.map(userOf) }),
    ...(settings.deny === undefined ? {} : { deny: listsOf(settings.deny) }),
    ...(Object.keys(limits).length === 0 ? {} : { limits }),
  }
}
