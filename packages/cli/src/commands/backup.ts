import { existsSync } from 'node:fs'
import { constants, setPriority } from 'node:os'
import { fileFault, printJson, printLines, UsageError } from '@countersign/fetch/internal'
import { backupDatabase, isNewDatabase } from '@countersign/store/internal'
import type { Command } from 'commander'
import { z } from 'zod'
import { readConfiguration } from '../flags/configuration.js'
import { type DatabaseServer, dataFolder, serverOptions } from '../server/participant.js'
import { agentServerOptions, databaseOf } from './agent-server/agent-server-options.js'
import { databaseOf as authDatabaseOf, authServerOptions } from './auth-server/auth-server-options.js'

const own = {
  to: z.string().min(1).describe('the file of the copy, which must not exist; made with mode 0600'),
  json: z.boolean().default(false).describe('print JSON'),
}

/** The flags of a command, and the options of its `--config` file, which may be that of the server. */
function backupOptions<S extends typeof agentServerOptions | typeof authServerOptions>(server: S) {
  const { id, development, data, database } = server.shape
  return {
    flags: z.strictObject({ id, development, data, database, ...own }),
    options: z.strictObject({ ...server.shape, port: serverOptions.port.optional(), ...own }),
  }
}

/** Options of `countersign auth-server backup`. */
export const authBackupOptions = backupOptions(authServerOptions)

/** Options of `countersign agent-server backup`. */
export const agentBackupOptions = backupOptions(agentServerOptions)

/** `countersign auth-server backup`: copies the SQLite database, also while the server runs. */
export async function backupAuth(command: Command): Promise<void> {
  const settings = readConfiguration(command, authBackupOptions.options, process.env)
  const url = authDatabaseOf(dataFolder('auth-server', settings), settings)
  await backup({ name: 'auth-server', room: 'auth_server', url }, settings)
}

/** `countersign agent-server backup`: as {@link backupAuth}. */
export async function backupAgent(command: Command): Promise<void> {
  const settings = readConfiguration(command, agentBackupOptions.options, process.env)
  await backup({ name: 'agent-server', room: 'agent_server', url: databaseOf(settings) }, settings)
}

interface BackupPlace {
  readonly name: DatabaseServer
  readonly room: string
  readonly url: string
}

async function backup(
  { name, room, url }: BackupPlace,
  { to, json }: { readonly to: string; readonly json: boolean },
): Promise<void> {
  if (/^postgres(?:ql)?:/.test(url))
    throw new UsageError('this copies SQLite files: back up PostgreSQL with pg_dump, or with base backups and the log')
  if (url === 'sqlite::memory:') throw new UsageError('a database in memory is in no file that could be copied')
  // A misspelt name must not give an empty backup.
  if (await isNewDatabase({ url, room }))
    throw new UsageError(`there is no database of an ${name} at ${url}: correct --id, --data or --database`)
  // The server beside it comes first: this takes the processor and, where the system has it so, the disk that are left over.
  setPriority(constants.priority.PRIORITY_LOW)
  const { file, bytes } = await backupDatabase({ url, to }).catch((error: unknown) => {
    throw explained(error, to)
  })
  if (json) printJson({ file, bytes })
  else printLines(`copied the database to ${file} (${bytes} bytes)`)
}

/** Says what the operator can do about an error of the system. */
function explained(error: unknown, to: string): unknown {
  const { code } = Object(error) as { readonly code?: unknown }
  if (code === 'EEXIST')
    return new UsageError(
      existsSync(to)
        ? `--to: ${to} exists already: a backup replaces no file`
        : `--to: ${to}.partial exists: another backup is under way, or was interrupted; in that case remove the file`,
    )
  const fault = fileFault(error)
  return fault === undefined ? error : new UsageError(`--to: ${fault}`)
}
