import { createGateway } from '@countersign/gateway'
import { memoryReplaySet } from '@countersign/httpsig'
import { createResource, type Requirement } from '@countersign/resource'
import { jsonLog } from '@countersign/server'
import type { Command } from 'commander'
import { z } from 'zod'
import { readConfiguration, stringList, UsageError } from '../configuration.js'
import { audit } from './audit.js'
import { dataFolder, discoveryFor, run, serverOptions, signingKeys } from './participant.js'

const level = z.enum(['anonymous', 'pseudonymous', 'identified', 'authorized'])
const limits = z.partialRecord(level, z.string().regex(/^\d+\/(s|sec|min|hour|day)$/, 'must read like 10/min'))

const requirementOptions = {
  level: level.optional().describe('the level a caller needs'),
  scope: stringList.optional().describe('the scopes a caller needs, all of them'),
  agents: stringList.optional().describe('the agents that are let in: exact, or https://*.example.org'),
  limits: limits.optional().describe('requests per level, e.g. { anonymous: 10/min }'),
}

const route = z.strictObject({
  path: z.string().startsWith('/').describe('a path, or a prefix that ends in *'),
  methods: z.array(z.string()).optional().describe('methods; default all'),
  ...requirementOptions,
})

/** Options of `countersign gateway`. */
export const gatewayOptions = z.strictObject({
  ...serverOptions,
  upstream: z.url({ protocol: /^https?$/ }).describe('origin of the API behind, e.g. http://127.0.0.1:8080'),
  authServer: stringList.optional().describe('auth servers whose tokens count'),
  scopes: z
    .record(z.string(), z.string())
    .optional()
    .describe('scopes and what they let an agent do, in words for users'),
  routes: z.array(route).optional().describe('requirements by path and method; paths not listed are 404'),
  bodyLimit: z.coerce.number().int().min(0).optional().describe('largest request body in bytes; default 1 MiB'),
  ...requirementOptions,
})

type Settings = z.infer<typeof gatewayOptions>

/** `countersign gateway`: the guard in front of an API that knows nothing of AAuth. */
export async function gateway(command: Command): Promise<void> {
  const settings = readConfiguration(command, gatewayOptions, process.env)
  const log = jsonLog({ name: 'gateway' })
  const resource = createResource({
    id: settings.id,
    keys: await signingKeys(dataFolder('gateway', settings), settings),
    authServers: settings.authServer ?? [],
    scopes: scopesOf(settings),
    discovery: discoveryFor(settings),
    replay: memoryReplaySet(),
    development: settings.development,
    onEvent: audit(log),
  })
  const bodyLimit = settings.bodyLimit ?? 1_048_576
  const participant = createGateway({ resource, upstream: settings.upstream, routes: routesOf(settings) })
  await run('gateway', settings, participant, { log, bodyLimit })
}

/** Scopes named on the command line need no words; they are then shown as they are. */
function scopesOf(settings: Settings): Record<string, string> {
  const named = [settings, ...(settings.routes ?? [])].flatMap(part => part.scope ?? [])
  return { ...Object.fromEntries(named.map(scope => [scope, scope])), ...settings.scopes }
}

function routesOf(
  settings: Settings,
): Array<{ path: string; methods?: readonly string[]; requirement: Requirement<string> }> {
  const { routes = [{ path: '/*' }] } = settings
  return routes.map(({ path, methods, ...own }) => {
    const requirement = requirementOf({ ...pickRequirement(settings), ...own })
    if (requirement.scope !== undefined && (settings.authServer ?? []).length === 0) {
      throw new UsageError(`the route ${path} needs a scope, so --auth-server must say whose tokens count`)
    }
    return { path, requirement, ...(methods === undefined ? {} : { methods }) }
  })
}

type RequirementSettings = Pick<Settings, 'level' | 'scope' | 'agents' | 'limits'>

function pickRequirement({ level, scope, agents, limits }: RequirementSettings): RequirementSettings {
  return { level, scope, agents, limits }
}

/** Nothing said means identified: a gateway that guards nothing would be a surprise. */
function requirementOf(settings: RequirementSettings): Requirement<string> {
  const limits = Object.fromEntries(Object.entries(settings.limits ?? {}).filter(([, limit]) => limit !== undefined))
  return {
    ...(settings.scope === undefined ? { level: settings.level ?? 'identified' } : { scope: settings.scope }),
    ...(settings.agents === undefined ? {} : { agents: settings.agents }),
    ...(Object.keys(limits).length === 0 ? {} : { limits }),
  }
}
