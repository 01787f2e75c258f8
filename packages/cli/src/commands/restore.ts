import { restoreAgentServer } from '@countersign/agent-server'
import { type RestoreOptions, restoreAuthServer } from '@countersign/auth-server'
import { printJson, printLines } from '@countersign/fetch'
import { epochFile, jsonLog, type Logger } from '@countersign/server'
import type { Command } from 'commander'
import { z } from 'zod'
import { readConfiguration } from '../flags/configuration.js'
import { reaching } from '../server/away.js'
import { dataFolder, epochPath, serverOptions } from '../server/participant.js'
import { agentServerOptions, databaseOf } from './agent-server/agent-server.js'
import { databaseOf as authDatabaseOf, authServerOptions } from './auth-server.js'

const own = {
  trustBackup: z
    .boolean()
    .default(false)
    .describe('the backup is known to hold every revocation: users are not asked again, delegates and keys stay'),
  json: z.boolean().default(false).describe('print JSON'),
}

/** What a command takes on its command line, and what its `--config` file may say: the server's own may be given. */
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

/** `countersign auth-server restore`: ends what a backup brings back, so that the server starts on it. */
export async function restoreAuth(command: Command): Promise<void> {
  const settings = readConfiguration(command, authRestoreOptions.options, process.env)
  const folder = dataFolder('auth-server', settings)
  const database = authDatabaseOf(folder, settings)
  const place: RestorePlace = { name: 'auth-server', folder, database, settings }
  const { requests, sessions, grants, consents } = await restored(place, restoreAuthServer)
  if (!settings.json)
    printLines(
      `ended: ${requests} requests, ${sessions} sessions, ${grants} grants of users, ${consents} remembered scopes`,
    )
}

/** `countersign agent-server restore`: as {@link restoreAuth}. */
export async function restoreAgent(command: Command): Promise<void> {
  const settings = readConfiguration(command, agentRestoreOptions.options, process.env)
  const folder = dataFolder('agent-server', settings)
  const place: RestorePlace = { name: 'agent-server', folder, database: databaseOf(settings), settings }
  const { codes, delegates, keys } = await restored(place, restoreAgentServer)
  if (!settings.json) printLines(`ended: ${codes} enrolment codes, ${delegates} delegates, ${keys} own keys`)
}

interface RestorePlace {
  readonly name: 'auth-server' | 'agent-server'
  readonly folder: string
  readonly database: string
  readonly settings: Parameters<typeof epochPath>[2] & { readonly trustBackup: boolean; readonly json: boolean }
}

/** Restores, logs it, and prints what it has ended where JSON is wanted. */
async function restored<T extends object>(
  { name, folder, database, settings }: RestorePlace,
  restore: (options: RestoreOptions) => Promise<T>,
): Promise<T> {
  const { trustBackup, json } = settings
  const path = epochPath(name, folder, settings)
  const log = jsonLog({ name })
  const onEpochLost = (): void => sayLost(log, path)
  const epoch = epochFile(path)
  const ended = await reaching('--database', database, restore({ database, epoch, trustBackup, onEpochLost }))
  log.info({ event: 'restored', trusted: trustBackup, ...ended }, 'restored')
  if (json) printJson(ended)
  return ended
}

/** The file may have been lost with the database, or the server keeps it somewhere else and would go on to refuse. */
function sayLost(log: Logger, path: string): void {
  log.warn(
    { event: 'alarm', reason: 'epoch-lost', path },
    'the database had an epoch, and there was no epoch file: a new one is written; if the server has its own elsewhere, name that by --epoch',
  )
}
