import type { Needs } from '../case/case.js'
import type { McpServer, StatelessMcp } from '../config/mcp-server.js'
import type { Route, SpecialRoute } from '../config/route.js'
import { findRoute, findSpecial, type ResourceStage } from './stage.js'

/** All types of conditions. @see protocol §9.2 */
export const conditionTypes = [
  'resources',
  'scopes',
  'purposes',
  'until',
  'hours',
  'calls',
  'chain',
  'data',
  'arguments',
  'approval',
] as const

const routeNeed =
  (level: 'anonymous' | 'pseudonymous' | 'identified' | 'authorized', method = 'GET') =>
  (stage: ResourceStage): string | undefined =>
    findRoute(stage, level, method) === undefined ? `routes has no ${level} ${method}` : undefined

const algorithmNeed =
  (name: string) =>
  ({ configuration }: ResourceStage): string | undefined =>
    configuration.algorithms.includes(name) ? undefined : `algorithms does not have ${name}`

const specialNeed =
  (name: keyof SpecialRoute, about: Parameters<typeof findSpecial>[2] = {}) =>
  (stage: ResourceStage): string | undefined => {
    const { level = '', method = '' } = about
    const wanted = [level, method].filter(Boolean).join(' ')
    return findSpecial(stage, name, about) === undefined
      ? `routes has no ${wanted}${wanted && ' '}one with ${name}`
      : undefined
  }

/** A route that asks for the e-mail address of the user. */
export function emailRoute({ configuration }: ResourceStage): Route | undefined {
  return configuration.routes.find(({ method, scope }) => method === 'GET' && scope === 'email')
}

/** A route that asks for approvals, and has a query. */
export function approveQueryRoute({ configuration }: ResourceStage): Route | undefined {
  return configuration.routes.find(
    ({ level, method, target, special }) =>
      special.approve === true && level === 'authorized' && method === 'POST' && target.includes('?'),
  )
}

/** A type of conditions that the resource enforces on every route. */
const conditionNeed =
  (type: string) =>
  ({ metadata }: ResourceStage): string | undefined => {
    const listed = metadata?.['constraints_supported']
    return Array.isArray(listed) && listed.includes(type) ? undefined : `constraints_supported does not have ${type}`
  }

/** What an MCP server has beside tools. */
const mcpNeed =
  (name: keyof McpServer) =>
  ({ configuration: { mcp } }: ResourceStage): string | undefined =>
    mcp === undefined || mcp[name] !== undefined ? undefined : `mcp has no ${name}`

/** What an MCP server of revision 2026-07-28 has beside tools. */
const statelessNeed =
  (name: keyof StatelessMcp) =>
  ({ configuration: { statelessMcp } }: ResourceStage): string | undefined =>
    statelessMcp === undefined || statelessMcp[name] !== undefined ? undefined : `statelessMcp has no ${name}`

/** A route with POST that needs a signature. */
function write(stage: ResourceStage): string | undefined {
  const found = stage.configuration.routes.some(({ level, method }) => method === 'POST' && level !== 'anonymous')
  return found ? undefined : 'routes has no POST that needs a signature'
}

/** What cases can need of a resource. */
export const resourceNeeds: Needs<ResourceStage> = {
  anonymous: routeNeed('anonymous'),
  pseudonymous: routeNeed('pseudonymous'),
  identified: routeNeed('identified'),
  authorized: routeNeed('authorized'),
  loopback: ({ scheme }) =>
    scheme === 'http' ? undefined : 'agents that nobody has met before need a resource in development mode',
  write,
  'pseudonymous-write': routeNeed('pseudonymous', 'POST'),
  'two-scopes': stage => {
    const scopes = stage.configuration.routes.flatMap(({ level, scope }) => (level === 'authorized' ? [scope] : []))
    return new Set(scopes).size > 1 ? undefined : 'routes has no two authorized ones with different scopes'
  },
  json: stage =>
    stage.configuration.routes.some(({ method, contentType }) => method === 'POST' && contentType.includes('json'))
      ? undefined
      : 'routes has no POST with JSON',
  ES256: algorithmNeed('ES256'),
  ES384: algorithmNeed('ES384'),
  PS512: algorithmNeed('PS512'),
  metadata: ({ metadata }) => (metadata === undefined ? 'the resource publishes no aauth-resource' : undefined),
  'resource-token-endpoint': ({ metadata }) =>
    typeof metadata?.['resource_token_endpoint'] === 'string' ? undefined : 'there is no resource_token_endpoint',
  'revocation-endpoint': ({ metadata }) =>
    typeof metadata?.['revocation_endpoint'] === 'string' ? undefined : 'there is no revocation_endpoint',
  'limit-anonymous': specialNeed('limit', { level: 'anonymous', method: 'GET' }),
  'limit-pseudonymous': specialNeed('limit', { level: 'pseudonymous', method: 'GET' }),
  'limit-identified': specialNeed('limit', { level: 'identified', method: 'GET' }),
  'limit-write': specialNeed('limit', { level: 'identified', method: 'POST' }),
  'limit-authorized': specialNeed('limit', { level: 'authorized', method: 'GET' }),
  components: specialNeed('components', { method: 'GET' }),
  stream: specialNeed('stream', { method: 'POST' }),
  denies: specialNeed('denies', { method: 'GET' }),
  fails: specialNeed('fails', { method: 'POST' }),
  answer: specialNeed('answer', { level: 'authorized', method: 'GET' }),
  error: specialNeed('error', { level: 'authorized', method: 'GET' }),
  text: specialNeed('text', { level: 'authorized', method: 'GET' }),
  operation: specialNeed('operation', { level: 'authorized', method: 'POST' }),
  approve: specialNeed('approve', { level: 'authorized', method: 'POST' }),
  'approve-query': stage =>
    approveQueryRoute(stage) === undefined
      ? 'routes has no authorized POST with approve whose target has a query'
      : undefined,
  calls: specialNeed('calls', { level: 'authorized', method: 'GET' }),
  oauth: specialNeed('oauth', { level: 'authorized', method: 'GET' }),
  lasts: specialNeed('lasts', { level: 'authorized', method: 'GET' }),
  sockets: specialNeed('sockets', { level: 'authorized', method: 'GET' }),
  'email-route': stage =>
    emailRoute(stage) === undefined ? 'routes has no authorized GET whose scope is email' : undefined,
  'two-operations': stage =>
    new Set(stage.configuration.routes.flatMap(({ special }) => special.operation ?? [])).size > 1
      ? undefined
      : 'routes has no two operations',
  purposes: ({ metadata }) =>
    Object.keys(Object(metadata?.['purposes'])).length > 1 ? undefined : 'the resource publishes no two purposes',
  'authorized-write': routeNeed('authorized', 'POST'),
  conditions: ({ metadata }) =>
    Array.isArray(metadata?.['constraints_supported']) ? undefined : 'there is no constraints_supported',
  ...Object.fromEntries(conditionTypes.map(type => [`condition-${type}`, conditionNeed(type)])),
  authorities: ({ configuration }) =>
    configuration.authorities.length > 0 ? undefined : 'authorities is not declared',
  mcp: ({ configuration }) => (configuration.mcp === undefined ? 'mcp is not declared' : undefined),
  'closed-mcp': ({ configuration }) =>
    configuration.closedMcp === undefined ? 'closedMcp is not declared' : undefined,
  ...Object.fromEntries(
    (['resources', 'prompts', 'slow', 'shows', 'calls', 'open'] as const).map(name => [`mcp-${name}`, mcpNeed(name)]),
  ),
  'stateless-mcp': ({ configuration }) =>
    configuration.statelessMcp === undefined ? 'statelessMcp is not declared' : undefined,
  ...Object.fromEntries(
    (['resources', 'asks', 'task', 'calls', 'subscriptions'] as const).map(name => [
      `stateless-${name}`,
      statelessNeed(name),
    ]),
  ),
  cors: ({ configuration }) => (configuration.corsOrigin === undefined ? 'corsOrigin is not declared' : undefined),
}
