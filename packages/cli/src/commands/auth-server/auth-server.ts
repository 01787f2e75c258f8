import { printLines } from '@countersign/fetch/internal'
import { jsonLog, type Logger } from '@countersign/server'
import { inviteUser } from '@countersign/user-desk'
import type { Command } from 'commander'
import { readConfiguration } from '../../flags/configuration.js'
import { auditOf } from '../../server/audit-log.js'
import type { Opened } from '../../server/closing-on-failure.js'
import { checkFirstStart, type Start } from '../../server/first-start.js'
import { checkMetrics, metricsOf, metricsPort } from '../../server/metrics.js'
import { dataFolder, keysPath, prepareProcess } from '../../server/participant.js'
import { fixedSettings, hearReloads, reloadOnSignal } from '../../server/reload.js'
import { type Crew, openCrew } from '../../workers/crew.js'
import { crewMetrics } from '../../workers/crew-metrics.js'
import { stopOnSignals } from '../../workers/stop-on-signals.js'
import { isWorker } from '../../workers/worker.js'
import { checkWorkers, workerCount } from '../../workers/worker-count.js'
import { type AuthServerSettings, authServerOptions, databaseOf } from './auth-server-options.js'
import { authServerWorker } from './auth-server-worker.js'
import { serveAuthServer } from './serve-auth-server.js'

/** The settings that only a restart can change. */
const fixed: ReadonlyArray<keyof AuthServerSettings> = [
  ...fixedSettings,
  'database',
  'epoch',
  'adminPort',
  'adminHost',
  'workers',
]

/** What the start of the command has found. */
interface Starting {
  readonly settings: AuthServerSettings
  readonly read: () => AuthServerSettings
  readonly database: string
  readonly log: Logger
  readonly start: Start
}

/**
 * `countersign auth-server`: issues auth tokens that its policies grant or users allow. On SIGHUP it reads settings, keys and
 * certificate again; its counts of page requests start anew.
 */
export async function authServer(command: Command, opened: Opened): Promise<void> {
  if (isWorker()) return authServerWorker(opened)
  hearReloads()
  const read = () => readConfiguration(command, authServerOptions, process.env)
  const settings = read()
  // Checked before anything is created.
  prepareProcess(settings)
  await auditOf(settings)
  const count = workerCount(settings)
  const folder = dataFolder('auth-server', settings)
  const database = databaseOf(folder, settings)
  checkWorkers(count, { ...settings, database })
  const log = jsonLog({ name: 'auth-server', together: true })
  const belongings = { keys: keysPath(folder, settings), database: { url: database, room: 'auth_server' } }
  const start = (): Promise<Start> => checkFirstStart(settings, belongings, log)
  if (count > 1) return withWorkers(count, { settings, read, database, log, start: await start() })
  const metrics = await metricsOf(settings)
  const { running, prepare } = await serveAuthServer(settings, { log, metrics, opened, start: await start() })
  await offerFirstAccount(settings, database)
  reloadOnSignal({ log, running, settings, fixed, read, apply: async next => (await prepare(next)).commit() })
}

/** Serves with processes of its own. This one opens nothing but the metrics port: it starts them, and hands signals to them. */
async function withWorkers(count: number, { settings, read, database, log, start }: Starting): Promise<void> {
  // Only the first start of the first worker replaces keys: each later one would end what the one before has made.
  const again = { ...settings, init: false, replaceKeys: false }
  let crew: Crew<AuthServerSettings> | undefined
  checkMetrics(settings)
  const port = await metricsPort(settings, async () => (crew === undefined ? '' : crewMetrics(crew)))
  crew = await openCrew({ count, first: { settings, start }, settings: again, log, onGivenUp: () => process.exit(1) })
  if (crew === undefined) return port?.close()
  const serving = crew
  stopOnSignals(crew, log)
  reloadOnSignal({
    log,
    settings,
    fixed,
    read,
    facts: { workers: count },
    // Each worker reads the certificate itself, while it prepares the other settings.
    running: { setCertificate: () => undefined },
    apply: next => serving.replaceSettings({ ...next, init: false, replaceKeys: false }),
  })
  printLines(`countersign auth-server ready at ${crew.url}`)
  port?.tell(log)
  await offerFirstAccount(settings, database)
}

/**
 * Prints the link of the first account while there is none: to standard output, apart from the log, since who has it owns that account.
 */
async function offerFirstAccount(
  { id: issuer, passkeys, development }: AuthServerSettings,
  database: string,
): Promise<void> {
  if (passkeys === undefined || passkeys === 'openid' || database === 'sqlite::memory:') return
  const invitation = await inviteUser({ issuer, database, development, first: true })
  if (invitation === undefined) return
  printLines('No user has an account yet. Make the first one, within a day, at')
  printLines(invitation.url)
}
