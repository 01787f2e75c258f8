import { createGateway } from '@countersign/gateway'
import { type Counter, createResource } from '@countersign/resource'
import { openTelemetry } from '@countersign/resource/otel'
import { errorFields, jsonLog, type Logger, logLimit } from '@countersign/server'
import type { Command } from 'commander'
import { z } from 'zod'
import { readConfiguration, stringList } from '../configuration.js'
import { audit } from './audit.js'
import { limitsOf, routesOf, scopesOf } from './gateway-routes.js'
import { dataFolder, discoveryFor, run, serverOptions, sharedReplay, signingKeys } from './participant.js'
import { siteOf } from './site.js'

const level = z.enum(['anonymous', 'pseudonymous', 'identified', 'authorized'])
const limits = z.partialRecord(
  z.enum([...level.options, 'network', 'agent', 'site']),
  z.string().regex(/^\d+\/(s|sec|min|hour|day)$/, 'must read like 10/min'),
)

const requirementOptions = {
  level: level.optional().describe('the level a caller needs'),
  scope: stringList.optional().describe('the scopes a caller needs, all of them'),
  agents: stringList.optional().describe('the agents that are let in: exact, or https://*.example.org'),
  limits: limits
    .optional()
    .describe(
      'requests per level, e.g. { anonymous: 10/min }; of a gateway: over all routes that have none of their own',
    ),
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
  counter: z
    .url({ protocol: /^rediss?$/ })
    .optional()
    .describe('redis://HOST:PORT where several instances count for their limits together; default in memory'),
  trustedProxies: z
    .union([z.coerce.number().int().min(0).max(32), stringList])
    .optional()
    .describe('proxies in front whose X-Forwarded-For counts: how many, or their addresses and networks; default none'),
  forwardedHeader: z
    .enum(['x-forwarded-for', 'forwarded'])
    .optional()
    .describe('the header those proxies write; default x-forwarded-for'),
  observe: z
    .boolean()
    .default(false)
    .describe('let everything through and only log what would be refused, for `countersign gateway report`'),
  bodyLimit: z.coerce.number().int().min(0).optional().describe('largest request body in bytes; default 1 MiB'),
  ...requirementOptions,
})

/** `countersign gateway`: the guard in front of an API that knows nothing of AAuth. */
export async function gateway(command: Command): Promise<void> {
  const settings = readConfiguration(command, gatewayOptions, process.env)
  const log = jsonLog({ name: 'gateway' })
  const limit = logLimit(log)
  // Records nothing unless the operator has registered an SDK, e.g. by NODE_OPTIONS=--import.
  const telemetry = openTelemetry()
  const resource = createResource({
    id: settings.id,
    keys: await signingKeys(dataFolder('gateway', settings), settings),
    authServers: settings.authServer ?? [],
    scopes: scopesOf(settings),
    discovery: discoveryFor(settings, { onEvent: telemetry.discovery }),
    ...(await sharedReplay(settings)),
    ...(await sharedCounter(settings, log)),
    ...(settings.trustedProxies === undefined ? {} : { trustedProxies: settings.trustedProxies }),
    ...(settings.forwardedHeader === undefined ? {} : { forwardedHeader: settings.forwardedHeader }),
    limits: limitsOf(settings),
    siteOf,
    development: settings.development,
    observe: settings.observe,
    telemetry,
    onEvent: audit(log, limit),
  })
  if (settings.observe) log.warn({ event: 'observing' }, 'this gateway observes: it refuses nothing')
  const bodyLimit = settings.bodyLimit ?? 1_048_576
  const participant = createGateway({ resource, upstream: settings.upstream, routes: routesOf(settings) })
  await run('gateway', settings, participant, { log, logLimit: limit, bodyLimit })
}

/** What the instances of one gateway count with together; without `counter` each counts for itself, in memory. */
async function sharedCounter(
  settings: { readonly id: string; readonly counter?: string | undefined },
  log: Logger,
): Promise<{ counter?: Counter }> {
  if (settings.counter === undefined) return {}
  const { redisCounter } = await import('@countersign/resource/redis')
  const counter = await redisCounter({
    url: settings.counter,
    prefix: `countersign:count:${settings.id}`,
    onChange: (counting, cause) =>
      counting === 'local'
        ? log.warn({ event: 'counting', counting, cause: errorFields(cause) }, 'limits are counted here alone')
        : log.info({ event: 'counting', counting }, 'limits are counted together again'),
  })
  return { counter }
}
