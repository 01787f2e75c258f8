import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { type AgentServer, type AgentServerOptions, createAgentServer } from '@countersign/agent-server'
import { UsageError } from '@countersign/fetch'
import { memoryReplaySet } from '@countersign/httpsig'
import { logLimit } from '@countersign/protocol'
import { jsonLog } from '@countersign/server'
import type { Command } from 'commander'
import { z } from 'zod'
import { readConfiguration, stringList } from '../../flags/configuration.js'
import { audit } from '../../log/audit.js'
import { type Belongings, checkFirstStart, type Start } from '../../server/first-start.js'
import {
  dataFolder,
  epochKeeper,
  epochOptions,
  keysPath,
  type ProxySettings,
  proxiesOf,
  proxyOptions,
  run,
  serverOptions,
  sharedReplay,
  signingKeys,
  unlessRestored,
} from '../../server/participant.js'
import { noticeProxy } from '../../server/proxy-notice.js'
import { reloadOnSignal } from '../../server/reload.js'
import { notClosed, swappable } from '../../server/swap.js'
import { certificateOf } from '../../server/tls.js'
import { enrollmentOf, oidcIssuer } from './enrollment.js'

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
export function databaseOf(
  settings: Pick<z.infer<typeof agentServerOptions>, 'data' | 'database' | 'development' | 'id'>,
): string {
  return settings.database ?? `sqlite:${join(dataFolder('agent-server', settings), 'agent-server.db')}`
}

/** Opens the server that the settings describe. */
export function openAgentServer(
  settings: Omit<AgentServerSettings, 'port'>,
  onEvent: AgentServerOptions['onEvent'] & {},
  more: Pick<AgentServerOptions, 'keys' | 'knownKeys' | 'replay' | 'epoch'>,
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

type AgentServerSettings = z.infer<typeof agentServerOptions>

/** What another process is needed for. */
const lasting = [
  ...['id', 'port', 'host', 'development', 'data', 'keys', 'database', 'epoch', 'replay', 'cors'],
] as ReadonlyArray<keyof AgentServerSettings>

/** Whether the operator keeps the keys in a file, and no rotation keeps them in the database. */
const hasKeyFileOnly = ({ rotateKeysEvery, keys }: AgentServerSettings): boolean =>
  rotateKeysEvery === undefined && keys !== undefined

/** A rotation, to which the keys of an earlier key file hand over; the key file alone where the operator names one and no rotation. */
async function ownKeys(
  settings: AgentServerSettings,
  start: Start,
): Promise<Pick<AgentServerOptions, 'keys' | 'knownKeys'>> {
  const folder = dataFolder('agent-server', settings)
  const knownKeys = settings.replaceKeys ? 'replace' : 'check'
  if (hasKeyFileOnly(settings)) return { keys: await signingKeys(folder, settings, start), knownKeys }
  const { rotateKeysEvery = 30 * 86_400 } = settings
  const before = existsSync(keysPath(folder, settings)) ? await signingKeys(folder, settings, start) : []
  return { keys: { rotateEvery: rotateKeysEvery, before } }
}

/** A rotation does without a key file, unless there is one to hand over or the operator names one. */
function belongingsOf(settings: AgentServerSettings): Belongings {
  const keys = keysPath(dataFolder('agent-server', settings), settings)
  const database = { url: databaseOf(settings), room: 'agent_server' }
  return hasKeyFileOnly(settings) || existsSync(keys) ? { keys, database } : { database }
}

/** `countersign agent-server`: serves an agent's identity and enrols its delegates. On SIGHUP it reads settings, keys and certificate again. */
export async function agentServer(command: Command): Promise<void> {
  const read = () => readConfiguration(command, agentServerOptions, process.env)
  const settings = read()
  // Before anything is made.
  certificateOf(settings)
  const log = jsonLog({ name: 'agent-server' })
  const limit = logLimit(log)
  const { rotateKeysEvery, keys } = settings
  if (rotateKeysEvery !== undefined && keys !== undefined && !existsSync(keys))
    throw new UsageError(`--keys: there is no file ${keys} whose keys could hand over to the rotation`)
  const start = await checkFirstStart(settings, belongingsOf(settings), log)
  const kept = {
    replay: memoryReplaySet(),
    ...(await sharedReplay(settings)),
    ...epochKeeper('agent-server', dataFolder('agent-server', settings), {
      ...settings,
      database: databaseOf(settings),
    }),
  }
  const open = async (next: AgentServerSettings, how: Start): Promise<AgentServer> =>
    openAgentServer(next, audit(log, limit), { ...(await ownKeys(next, how)), ...kept })
  const place = swappable(await open(settings, start), notClosed(log))
  let current: ProxySettings = settings
  const participant = noticeProxy(place.participant, { log, settings: () => current })
  const running = await run('agent-server', settings, participant, { log, logLimit: limit })
  reloadOnSignal({
    ...{ log, running, settings, lasting, read },
    async apply(next: AgentServerSettings) {
      place.swap(await open({ ...next, replaceKeys: false }, 'again'))
      current = next
    },
  })
}
