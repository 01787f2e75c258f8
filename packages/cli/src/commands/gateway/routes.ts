import { UsageError } from '@countersign/fetch/internal'
import type { GatewayRoute } from '@countersign/gateway'
import {
  type DenyLists,
  describeBy,
  type Limits,
  type Requirement,
  type ResourceOptions,
  type ResourceWords,
  type UserOfAgent,
} from '@countersign/resource'
import { defined } from '../../flags/defined.js'
import { alsoAcceptOf, type Beside, type BesideSettings, besideOpener, type OpenBeside } from './also-accept.js'

/** The requirement of a route, or of the gateway for all its routes. */
export interface RequirementSettings {
  readonly level?: 'anonymous' | 'pseudonymous' | 'identified' | 'authorized' | undefined
  readonly scope?: readonly string[] | undefined
  readonly agents?: readonly string[] | undefined
  readonly limits?: Readonly<Record<string, string | undefined>> | undefined
  readonly once?: 'unsafe' | 'all' | undefined
  readonly users?: readonly UserSettings[] | undefined
  readonly deny?: DenySettings | undefined
}

/** What a single route or tool says of its requests. */
export interface OperationSettings extends RequirementSettings {
  readonly purposes?: readonly string[] | undefined
  readonly operation?: string | undefined
  readonly describe?: string | undefined
  readonly unshown?: readonly string[] | undefined
  readonly approve?: true | undefined
  readonly alsoAccept?: BesideSettings | 'none' | undefined
}

type Loose<T> = { readonly [K in keyof T]: T[K] | undefined }
type UserSettings = Loose<UserOfAgent> & Pick<UserOfAgent, 'iss' | 'sub'>
interface DenySettings extends Loose<Omit<DenyLists, 'users'>> {
  readonly users?: readonly UserSettings[] | undefined
}

/** Configured requirements by name. */
type NamedSettings = Readonly<Record<string, OperationSettings>>

/** The requirements of an MCP server's tools, prompts and resources. */
export interface McpSettings {
  readonly tools?: NamedSettings | undefined
  readonly prompts?: NamedSettings | undefined
  readonly resources?: NamedSettings | undefined
  readonly optional?: readonly string[] | undefined
}

interface RouteSettings extends OperationSettings {
  readonly path: string
  readonly methods?: readonly string[] | undefined
  readonly mcp?: McpSettings | undefined
}

/** The settings from which the routes of a gateway are made. */
export interface RoutesSettings extends RequirementSettings {
  readonly authServer?: readonly string[] | undefined
  readonly scopes?: ResourceOptions['scopes'] | undefined
  readonly alsoAccept?: BesideSettings | undefined
  readonly routes?: readonly RouteSettings[] | undefined
}

/** The scopes with their descriptions; a scope without a description is shown by its name. */
export function scopesOf(settings: RoutesSettings): NonNullable<ResourceOptions['scopes']> {
  const routes = settings.routes ?? []
  const named = [settings, ...routes, ...routes.flatMap(({ mcp }) => requirementsIn(mcp))].flatMap(
    part => part.scope ?? [],
  )
  return { ...Object.fromEntries(named.map(scope => [scope, scope])), ...settings.scopes }
}

/** The words of the API that conditions use. */
export function wordsOf({ purposes, operations, dataViews }: WordsSettings): ResourceWords {
  return defined({ purposes, operations, dataViews })
}

type WordsSettings = Partial<Loose<Required<ResourceWords>>>

function requirementsIn({ tools, prompts, resources }: McpSettings = {}): RequirementSettings[] {
  return [tools, prompts, resources].flatMap(named => Object.values(named ?? {}))
}

/**
 * The configured routes. A route inherits the requirement of the gateway where it has none of its own. Not the limits: the resource
 * counts those of the gateway over all routes together.
 * @param open opens what routes take beside AAuth
 * @throws UsageError for a scope without an auth server that could grant it
 */
export function routesOf(settings: RoutesSettings, open: OpenBeside = besideOpener()): Array<GatewayRoute<string>> {
  const { routes = [{ path: '/*' }] } = settings
  const all = settings.alsoAccept && open(settings.alsoAccept)
  const made = routes.map(({ path, methods, mcp, ...own }) => {
    const asked = { ...inherited(settings, own), ...own }
    const beside = besideOf(asked, mcp === undefined ? all : { oauth: all?.oauth }, open)
    const requirement = requirementOf(asked, beside)
    const needsScope = requirement.scope !== undefined || requirementsIn(mcp).some(({ scope }) => scope !== undefined)
    if (needsScope && (settings.authServer ?? []).length === 0) {
      throw new UsageError(
        `the route ${path} needs a scope: --auth-server must name an auth server whose tokens are accepted`,
      )
    }
    return defined({ path, requirement, methods, mcp: mcp && mcpRulesOf(mcp, beside, open) })
  })
  checkIsUsed(all, made)
  return made
}

/** @throws UsageError for what the gateway takes beside AAuth and no route does: it would seem to be taken */
function checkIsUsed(all: Beside | undefined, routes: ReadonlyArray<GatewayRoute<string>>): void {
  const taken = routes.flatMap(({ requirement: { alsoAccept } }) => alsoAccept ?? [])
  const unused = Object.entries(all ?? {}).filter(([, one]) => one !== undefined && !taken.includes(one))
  if (unused.length > 0)
    throw new UsageError(
      `alsoAccept: no route takes ${unused.map(([kind]) => kind).join(' and ')} of the gateway: routes with agents, purposes or approve take neither, and routes with a scope or mcp no bots`,
    )
}

/** The rules within a route take beside AAuth what the route does. */
function mcpRulesOf(mcp: McpSettings, beside: Beside, open: OpenBeside): NonNullable<GatewayRoute<string>['mcp']> {
  const ruleOf = (settings: OperationSettings) => requirementOf(settings, besideOf(settings, beside, open))
  const rulesOf = (named: NamedSettings | undefined) =>
    named && Object.fromEntries(Object.entries(named).map(([name, settings]) => [name, ruleOf(settings)]))
  const { tools, prompts, resources, optional } = mcp
  return defined({ tools: rulesOf(tools), prompts: rulesOf(prompts), resources: rulesOf(resources), optional })
}

/**
 * What a route takes beside AAuth: what it says itself, or what those around it take, as far as it can. A bearer token or a bot names no
 * agent and no purpose, and approves nothing; nobody has granted a scope to a bot.
 */
function besideOf(asked: OperationSettings, around: Beside = {}, open: OpenBeside): Beside {
  const { alsoAccept: own, agents, purposes, approve, scope } = asked
  if (own === 'none') return {}
  if (own !== undefined) return open(own)
  if ([agents, purposes, approve].some(said => said !== undefined)) return {}
  return scope === undefined ? around : { oauth: around.oauth }
}

/**
 * The requirement that a route inherits. Level and scope belong together: a route with one of them inherits neither. It does not
 * inherit agents and users that are unknown at its own level.
 */
function inherited(all: RequirementSettings, own: RequirementSettings): RequirementSettings {
  const { level, scope, agents, users, once } = all
  const hasOwn = own.scope !== undefined || (own.level !== undefined && own.level !== 'authorized')
  return {
    once,
    ...(hasOwn ? {} : { level, scope }),
    ...(own.level === 'anonymous' || own.level === 'pseudonymous' ? {} : { agents }),
    ...(own.level === undefined || own.level === 'authorized' ? { users } : {}),
  }
}

/** The limits without undefined members. */
export function limitsOf({ limits = {} }: RequirementSettings): Limits {
  return defined(limits)
}

/** The lists without undefined members. */
export function listsOf({ agents, delegates, users }: DenySettings): DenyLists {
  return defined({ agents, delegates, users: users?.map(userOf) })
}

function userOf(user: UserSettings): UserOfAgent {
  return defined(user)
}

/** The level and scope; by default identified, since a gateway must not guard nothing by default. */
function levelOf({ level, scope }: RequirementSettings): Pick<Requirement<string>, 'level' | 'scope'> {
  if (scope === undefined) return { level: level ?? 'identified' }
  return level === undefined ? { scope } : { level, scope }
}

function requirementOf(settings: OperationSettings, beside: Beside): Requirement<string> {
  const limits = limitsOf(settings)
  return {
    ...levelOf(settings),
    ...defined({
      agents: settings.agents,
      replay: settings.once,
      purposes: settings.purposes,
      operation: settings.operation,
      describe: settings.describe === undefined ? undefined : describeBy(settings.describe),
      unshown: settings.unshown,
      approve: settings.approve,
      users: settings.users?.map(userOf),
      deny: settings.deny && listsOf(settings.deny),
      limits: Object.keys(limits).length === 0 ? undefined : limits,
      alsoAccept: alsoAcceptOf(beside),
    }),
  }
}
