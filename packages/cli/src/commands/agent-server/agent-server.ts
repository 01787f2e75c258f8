import { existsSync } from 'node:fs'
import { type AgentServer, type AgentServerOptions, createAgentServer } from '@countersign/agent-server'
import { openTelemetry } from '@countersign/agent-server/otel'
import { UsageError } from '@countersign/fetch/internal'
import { memoryReplaySet } from '@countersign/httpsig'
import { logLimit } from '@countersign/protocol'
import { jsonLog, keysFile } from '@countersign/server'
import type { Command } from 'commander'
import { readConfiguration } from '../../flags/configuration.js'
import { defined } from '../../flags/defined.js'
import { audit } from '../../log/audit.js'
import { auditOf } from '../../server/audit-log.js'
import type { Opened } from '../../server/closing-on-failure.js'
import { type Belongings, checkFirstStart, type Start } from '../../server/first-start.js'
import { metricsOf } from '../../server/metrics.js'
import {
  dataFolder,
  defaultRotation,
  epochKeeper,
  keysPath,
  type ProxySettings,
  prepareProcess,
  proxiesOf,
  run,
  sharedReplay,
  signingKeys,
  unlessRestored,
} from '../../server/participant.js'
import { noticeProxy } from '../../server/proxy-notice.js'
import { fixedSettings, hearReloads, reloadOnSignal } from '../../server/reload.js'
import { logNotClosed, swappable } from '../../server/swap.js'
import { type AgentServerSettings, agentServerOptions, databaseOf } from './agent-server-options.js'
import { enrollmentOf } from './enrollment.js'

/** Opens the server that the settings describe. */
export function openAgentServer(
  settings: Omit<AgentServerSettings, 'port'>,
  onEvent: AgentServerOptions['onEvent'] & {},
  more: Pick<AgentServerOptions, 'keys' | 'knownKeys' | 'replay' | 'epoch' | 'telemetry' | 'audit' | 'webBotAuth'>,
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
    ...defined({ name, redirectUris, tokenLifetime, audience }),
    ...(localhostCallback ? { localhostCallbackAllowed: true } : {}),
  })
  return unlessRestored('agent-server', opening)
}

/** The settings that only a restart can change. */
const fixed: ReadonlyArray<keyof AgentServerSettings> = [...fixedSettings, 'database', 'epoch', 'cors']

/** Whether the keys are in a file only; otherwise a rotation keeps them in the database. */
const hasKeyFileOnly = ({ rotateKeysEvery, keys }: AgentServerSettings): boolean =>
  rotateKeysEvery === 'never' || (rotateKeysEvery === undefined && keys !== undefined)

/** The signing keys: a rotation that replaces the keys of an earlier key file, or the key file alone if the operator names only that. */
async function ownKeys(
  settings: AgentServerSettings,
  start: Start,
): Promise<Pick<AgentServerOptions, 'keys' | 'knownKeys'>> {
  const folder = dataFolder('agent-server', settings)
  const knownKeys = settings.replaceKeys ? 'replace' : 'check'
  const { rotateKeysEvery = defaultRotation } = settings
  if (hasKeyFileOnly(settings) || rotateKeysEvery === 'never')
    return { keys: await signingKeys(folder, settings, start), knownKeys }
  const before = existsSync(keysPath(folder, settings)) ? await signingKeys(folder, settings, start) : []
  return { keys: { rotateEvery: rotateKeysEvery, before }, knownKeys }
}

/** The keys of bots. Agents read the same file. */
async function webBotAuthOf({ botKeys }: AgentServerSettings): Promise<Pick<AgentServerOptions, 'webBotAuth'>> {
  return botKeys === undefined ? {} : { webBotAuth: { keys: await keysFile(botKeys) } }
}

/** The places of keys and database. A rotation needs a key file only if there is one to replace. */
function belongingsOf(settings: AgentServerSettings): Belongings {
  const keys = keysPath(dataFolder('agent-server', settings), settings)
  const database = { url: databaseOf(settings), room: 'agent_server' }
  return hasKeyFileOnly(settings) || existsSync(keys) ? { keys, database } : { database }
}

/** `countersign agent-server`: serves an agent's identity and enrols its delegates. On SIGHUP it reads settings, keys and certificate again. */
export async function agentServer(command: Command, opened: Opened): Promise<void> {
  hearReloads()
  const read = () => readConfiguration(command, agentServerOptions, process.env)
  const settings = read()
  // Checked before anything is created.
  prepareProcess(settings)
  await auditOf(settings)
  const log = jsonLog({ name: 'agent-server', together: true })
  const limit = logLimit(log)
  const metrics = await metricsOf(settings)
  const { rotateKeysEvery, keys } = settings
  if (typeof rotateKeysEvery === 'number' && keys !== undefined && !existsSync(keys))
    throw new UsageError(`--keys: there is no file ${keys} with keys that the rotation could replace`)
  const start = await checkFirstStart(settings, belongingsOf(settings), log)
  const kept = {
    telemetry: openTelemetry({ meterProvider: metrics.meterProvider }),
    replay: memoryReplaySet(),
    ...(await sharedReplay(settings, opened)),
    ...epochKeeper('agent-server', dataFolder('agent-server', settings), {
      ...settings,
      database: databaseOf(settings),
    }),
  }
  const open = async (next: AgentServerSettings, how: Start): Promise<AgentServer> =>
    openAgentServer(next, audit(log, limit), {
      ...(await ownKeys(next, how)),
      ...(await webBotAuthOf(next)),
      ...(await auditOf(next)),
      ...kept,
    })
  const place = swappable(await open(settings, start), logNotClosed(log))
  let current: ProxySettings = settings
  const participant = noticeProxy(place.participant, { log, proxies: () => current.trustedProxies })
  const running = await run(participant, settings, { name: 'agent-server', log, logLimit: limit, metrics })
  reloadOnSignal({
    log,
    running,
    settings,
    fixed,
    read,
    async apply(next: AgentServerSettings) {
      place.swap(await open({ ...next, replaceKeys: false }, 'again'))
      current = next
    },
  })
}
