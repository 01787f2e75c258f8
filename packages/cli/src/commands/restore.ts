import type { RestoreOptions } from '@countersign/auth-server'
import { printJson, printLines } from '@countersign/fetch/internal'
import { epochFile, jsonLog, type Logger } from '@countersign/server'
import type { Command } from 'commander'
import { z } from 'zod'
import { readConfiguration } from '../flags/configuration.js'
import { reaching } from '../server/away.js'
import { dataFolder, epochPath, serverOptions } from '../server/participant.js'
import { agentServerOptions, databaseOf } from './agent-server/agent-server-options.js'
import { databaseOf as authDatabaseOf, authServerOptions } from './auth-server/auth-server-options.js'

const own = {
  trustBackup: z
    .boolean()
    .default(false)
    .describe('the backup has every revocation: keep the grants, delegates and keys that it brings back'),
  json: z.boolean().default(false).describe('print JSON'),
}

/** The flags of a command, and the options of its `--config` file, which may be that of the server. */
function restoreOptions<S extends typeof agentServerOptions | typeof authServerOptions>(server: S) {
  const { id, development, data, database, epoch } = server.shape
  return {
    flags: z.strictObject({ id, development, data, database, epoch, ...own }),
    options: z.strictObject({ ...server.shape, port: serverOptions.port.optional(), ...own }),
  }
}

/** Options of `countersign auth-server restore`. */
export const authRestoreOptions = restoreOptions(authServerOptions)

/** Options of `countersign agent-server restore`. */
export const agentRestoreOptions = restoreOptions(agentServerOptions)

// Each server loads these commands with its own, and so not the packages of both.

/** `countersign auth-server restore`: ends the sessions and grants that a backup brings back, so that the server may start. */
export async function restoreAuth(command: Command): Promise<void> {
  const { restoreAuthServer } = await import('@countersign/auth-server')
  const settings = readConfiguration(command, authRestoreOptions.options, process.env)
  const folder = dataFolder('auth-server', settings)
  const database = authDatabaseOf(folder, settings)
  const place: RestorePlace = { name: 'auth-server', folder, database, settings }
  const { requests, invitations, admins, sessions, grants, consents, keys } = await restoreDatabase(
    place,
    restoreAuthServer,
  )
  if (!settings.json)
    printLines(
      `ended: ${requests} requests, ${invitations} links for accounts, ${admins} browsers and links of admins, ${sessions} sessions, ${grants} grants of users, ${consents} remembered scopes, ${keys} own keys`,
    )
}

/** `countersign agent-server restore`: as {@link restoreAuth}, for codes, delegates and keys. */
export async function restoreAgent(command: Command): Promise<void> {
  const { restoreAgentServer } = await import('@countersign/agent-server')
  const settings = readConfiguration(command, agentRestoreOptions.options, process.env)
  const folder = dataFolder('agent-server', settings)
  const place: RestorePlace = { name: 'agent-server', folder, database: databaseOf(settings), settings }
  const { codes, delegates, keys } = await restoreDatabase(place, restoreAgentServer)
  if (!settings.json) printLines(`ended: ${codes} enrolment codes, ${delegates} delegates, ${keys} own keys`)
}

interface RestorePlace {
  readonly name: 'auth-server' | 'agent-server'
  readonly folder: string
  readonly database: string
  readonly settings: Parameters<typeof epochPath>[2] & { readonly trustBackup: boolean; readonly json: boolean }
}

/** Restores a database and logs it; with `--json` prints the counts. */
async function restoreDatabase<T extends object>(
  { name, folder, database, settings }: RestorePlace,
  restore: (options: RestoreOptions) => Promise<T>,
): Promise<T> {
  const { trustBackup, json } = settings
  const path = epochPath(name, folder, settings)
  const log = jsonLog({ name })
  const onEpochLost = (): void => logEpochLost(log, path)
  const epoch = epochFile(path)
  const ended = await reaching('--database', database, restore({ database, epoch, trustBackup, onEpochLost }))
  log.info({ event: 'restored', trusted: trustBackup, ...ended }, 'restored')
  if (json) printJson(ended)
  return ended
}

/** Warns that the epoch file is missing: it may be lost, or the server has it elsewhere and would refuse to start. */
function logEpochLost(log: Logger, path: string): void {
  log.warn(
    { event: 'alarm', reason: 'epoch-lost', path },
    'the database has an epoch, but there is no epoch file: a new one is written. If the server has its file elsewhere, name it with --epoch',
  )
}
