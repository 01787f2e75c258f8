import { noteLines, printJson, printLines, UsageError } from '@countersign/fetch/internal'
import { isNewDatabase } from '@countersign/store/internal'
import { inviteUser } from '@countersign/user-desk'
import type { Command } from 'commander'
import { z } from 'zod'
import { readConfiguration } from '../flags/configuration.js'
import { defined } from '../flags/defined.js'
import { reaching } from '../server/away.js'
import { dataFolder, serverOptions } from '../server/participant.js'
import { authServerOptions, databaseOf } from './auth-server/auth-server-options.js'

const { id, development, data, database } = authServerOptions.shape
const own = {
  user: z.string().min(1).optional().describe('a user (sub) who has lost all passkeys; default a new account'),
  json: z.boolean().default(false).describe('print JSON'),
}

/** Options of `countersign auth-server invite`; its `--config` file may be that of the server. */
export const inviteUserOptions = {
  flags: z.strictObject({ id, development, data, database, ...own }),
  options: z.strictObject({ ...authServerOptions.shape, port: serverOptions.port.optional(), ...own }),
}

/** `countersign auth-server invite`: prints a link with which one person makes an account, or gets back into one. */
export async function invite(command: Command): Promise<void> {
  const settings = readConfiguration(command, inviteUserOptions.options, process.env)
  const url = databaseOf(dataFolder('auth-server', settings), settings)
  if (await reaching('--database', url, isNewDatabase({ url, room: 'auth_server' })))
    throw new UsageError(
      `there is no database of an auth server ${url.startsWith('sqlite:') ? `at ${url}` : 'in PostgreSQL'}: start the server first, or correct --id, --data or --database`,
    )
  const { id: issuer, user } = settings
  const asked = { issuer, database: url, development: settings.development, ...defined({ user }) }
  const invitation = await reaching('--database', url, inviteUser(asked)).catch((error: unknown) => {
    throw error instanceof RangeError ? new UsageError(error.message) : error
  })
  if (invitation === undefined) return
  if (settings.json) return printJson(invitation)
  printLines(invitation.url)
  noteLines('It is good once, for a day. Send it to one person only.')
}
