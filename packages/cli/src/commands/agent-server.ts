import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { type AgentServer, type AgentServerOptions, createAgentServer } from '@countersign/agent-server'
import { logLimit } from '@countersign/protocol'
import { jsonLog } from '@countersign/server'
import type { Command } from 'commander'
import { z } from 'zod'
import { readConfiguration, stringList } from '../configuration.js'
import { enrollmentOf, oidcIssuer } from './agent-server-enrollment.js'
import { audit } from './audit.js'
import {
  dataFolder,
  epochKeeper,
  epochOptions,
  keysPath,
  proxiesOf,
  proxyOptions,
  run,
  serverOptions,
  sharedReplay,
  signingKeys,
  unlessRestored,
} from './participant.js'

/** Options of `countersign agent-server`. */
export const agentServerOptions = z.strictObject({
  ...serverOptions,
  ...proxyOptions,
  ...epochOptions,
  database: z.string().optional().describe('sqlite:FILE or postgres://…; default sqlite:DATA/agent-server.db'),
  name: z.string().optional().describe('the name shown to users'),
  redirectUris: stringList
    .optional()
    .describe('where auth servers may send users back to, each exactly, for the web apps of this agent; default none'),
  localhostCallback: z
    .boolean()
    .default(false)
    .describe('let users be sent back to programs on their own machine, as `countersign fetch` needs; default false'),
  tokenLifetime: z.coerce
    .number()
    .int()
    .min(60)
    .max(86_400)
    .optional()
    .describe('seconds an agent token lives; default 3600'),
  rotateKeysEvery: z.coerce
    .number()
    .int()
    .min(3600)
    .optional()
    .describe(
      'seconds that each signing key is used; the keys are kept in the database, and those of a key file hand over to them; default 30 days, with --keys the key file alone',
    ),
  oidc: z
    .array(oidcIssuer)
    .default([])
    .describe('OpenID issuers whose tokens enrol delegates, e.g. of Kubernetes or a CI provider; default none'),
  audience: stringList.optional().describe('receivers that agent tokens are limited to; default none'),
})

/** Where the server's delegates are. */
export function databaseOf(settings: Pick<z.infer<typeof agentServerOptions>, 'data' | 'database' | 'id'>): string {
  return settings.database ?? `sqlite:${join(dataFolder('agent-server', settings), 'agent-server.db')}`
}

/** Opens the server that the settings describe. */
export function openAgentServer(
  settings: Omit<z.infer<typeof agentServerOptions>, 'port'>,
  onEvent: AgentServerOptions['onEvent'] & {},
  more: Pick<AgentServerOptions, 'keys' | 'replay' | 'epoch'>,
): Promise<AgentServer> {
  const { name, tokenLifetime, audience, redirectUris, localhostCallback } = settings
  const opening = createAgentServer({
    id: settings.id,
    database: databaseOf(settings),
    development: settings.development,
    onEvent,
    ...proxiesOf(settings),
    ...enrollmentOf(settings.oidc),
    ...more,
    ...(name === undefined ? {} : { name }),
    ...(redirectUris === undefined ? {} : { redirectUris }),
    ...(localhostCallback ? { localhostCallbackAllowed: true } : {}),
    ...(tokenLifetime === undefined ? {} : { tokenLifetime }),
    ...(audience === undefined ? {} : { audience }),
  })
  return unlessRestored('agent-server', opening)
}

/** A rotation, to which the keys of an earlier key file hand over; the key file alone where the operator names one and no rotation. */
async function ownKeys(settings: z.infer<typeof agentServerOptions>): Promise<Pick<AgentServerOptions, 'keys'>> {
  const folder = dataFolder('agent-server', settings)
  const { rotateKeysEvery, keys } = settings
  if (rotateKeysEvery === undefined && keys !== undefined) return { keys: await signingKeys(folder, settings) }
  const before = existsSync(keysPath(folder, settings)) ? await signingKeys(folder, settings) : []
  return { keys: { rotateEvery: rotateKeysEvery ?? 30 * 86_400, before } }
}

/** `countersign agent-server`: serves an agent's identity and enrols its delegates. */
export async function agentServer(command: Command): Promise<void> {
  const settings = readConfiguration(command, agentServerOptions, process.env)
  const log = jsonLog({ name: 'agent-server' })
  const limit = logLimit(log)
  const participant = await openAgentServer(settings, audit(log, limit), {
    ...(await ownKeys(settings)),
    ...(await sharedReplay(settings)),
    ...epochKeeper('agent-server', dataFolder('agent-server', settings), {
      ...settings,
      database: databaseOf(settings),
    }),
  })
  await run('agent-server', settings, participant, { log, logLimit: limit })
}
