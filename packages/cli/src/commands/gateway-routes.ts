import type { DenyLists, Limits, Requirement, UserOfAgent } from '@countersign/resource'
import { UsageError } from '../usage-error.js'

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

/** The part of a gateway's settings that its routes are made of. */
export interface RoutesSettings extends RequirementSettings {
  readonly authServer?: readonly string[] | undefined
  readonly scopes?: Readonly<Record<string, string>> | undefined
  readonly routes?:
    | ReadonlyArray<RequirementSettings & { path: string; methods?: readonly string[] | undefined }>
    | undefined
}

/** Scopes named on the command line need no words; they are then shown as they are. */
export function scopesOf(settings: RoutesSettings): Record<string, string> {
  const named = [settings, ...(settings.routes ?? [])].flatMap(part => part.scope ?? [])
  return { ...Object.fromEntries(named.map(scope => [scope, scope])), ...settings.scopes }
}

/**
 * The routes as they are configured; what a route does not say itself, the gateway says for all.
 * Not their limits: those of the gateway are counted over all routes together, by the resource.
 * @throws UsageError for a scope that no auth server could grant
 */
export function routesOf(
  settings: RoutesSettings,
): Array<{ path: string; methods?: readonly string[]; requirement: Requirement<string> }> {
  const { routes = [{ path: '/*' }] } = settings
  return routes.map(({ path, methods, ...own }) => {
    const requirement = requirementOf({ ...inherited(settings, own), ...own })
    if (requirement.scope !== undefined && (settings.authServer ?? []).length === 0) {
      throw new UsageError(`the route ${path} needs a scope, so --auth-server must say whose tokens count`)
    }
    return { path, requirement, ...(methods === undefined ? {} : { methods }) }
  })
}

/** Level and scope are one question: a route that answers it is not asked for the rest of the gateway's answer. */
function inherited(all: RequirementSettings, own: RequirementSettings): RequirementSettings {
  const { level, scope, agents, users, once } = all
  if (own.scope !== undefined) return { agents, users, once }
  // Only who needs a scope has a user.
  return own.level === undefined || own.level === 'authorized'
    ? { level, scope, agents, users, once }
    : { agents, once }
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

/** Nothing said means identified: a gateway that guards nothing would be a surprise. */
function requirementOf(settings: RequirementSettings): Requirement<string> {
  const limits = limitsOf(settings)
  return {
    ...(settings.scope === undefined ? { level: settings.level ?? 'identified' } : { scope: settings.scope }),
    ...(settings.agents === undefined ? {} : { agents: settings.agents }),
    ...(settings.once === undefined ? {} : { replay: settings.once }),
    ...(settings.users === undefined ? {} : { users: settings.users.map(userOf) }),
    ...(settings.deny === undefined ? {} : { deny: listsOf(settings.deny) }),
    ...(Object.keys(limits).length === 0 ? {} : { limits }),
  }
}
