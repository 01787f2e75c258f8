import { existsSync } from 'node:fs'
import { type OpenOperator, openOperator } from '@countersign/console'
import { noteLines, onOneLine, printJson, printLines, table, UsageError } from '@countersign/fetch/internal'
import { logLimit } from '@countersign/protocol'
import { jsonLog } from '@countersign/server'
import { isNewDatabase } from '@countersign/store/internal'
import { z } from 'zod'
import { audit } from '../../log/audit.js'
import { reaching } from '../../server/away.js'
import { dataFolder, epochKeeper, epochPath, serverOptions, unlessRestored } from '../../server/participant.js'
import { authServerOptions, databaseOf } from '../auth-server/auth-server-options.js'

const { id, development, data, database, epoch } = authServerOptions.shape

/** The `--config` file of an operator's command may be that of the server: its other options are checked, but not used. */
const ofServer = { ...authServerOptions.shape, port: serverOptions.port.optional() }

const json = z.boolean().default(false).describe('print JSON, one object a line')

/** The flags of a command, and the options of its `--config` file. */
export function operatorOptions<Own extends z.ZodRawShape>(own: Own) {
  return {
    flags: z.strictObject({ id, development, data, database, epoch, ...own, json }),
    options: z.strictObject({ ...ofServer, ...own, json }),
  }
}

/** The options of a command that lists. */
export const pageOptions = {
  after: z.string().optional().describe('begin after what the page before has named'),
  limit: z.coerce.number().int().min(1).max(1000).default(100).describe('most entries to list; default 100'),
}

/** Where an operator's command works. */
export interface OperatorSettings {
  readonly id: string
  readonly development: boolean
  readonly data?: string | undefined
  readonly database?: string | undefined
  readonly epoch?: string | undefined
  readonly json: boolean
}

/**
 * Runs a command on the database of a server that exists: a misspelt name must not create an empty one, in which nothing is blocked. Its
 * changes are recorded on stderr, in the form of the server's log.
 */
export async function withOperator<T>(
  settings: OperatorSettings,
  act: (operator: OpenOperator) => Promise<T>,
): Promise<T> {
  const { id: issuer, development: isDevelopment } = settings
  const folder = dataFolder('auth-server', settings)
  const url = databaseOf(folder, settings)
  if (await reaching('--database', url, isNewDatabase({ url, room: 'auth_server' })))
    throw new UsageError(
      `there is no database of an auth server ${url.startsWith('sqlite:') ? `at ${url}` : 'in PostgreSQL'}: start the server first, or correct --id, --data or --database`,
    )
  const log = jsonLog({ name: 'auth-server' })
  // None on a machine where the server does not run.
  const isHere = existsSync(epochPath('auth-server', folder, settings))
  const kept = isHere ? epochKeeper('auth-server', folder, { ...settings, database: url }) : {}
  const onEvent = audit(log, logLimit(log))
  const opening = openOperator({ issuer, database: url, development: isDevelopment, onEvent, ...kept })
  const operator = await unlessRestored('auth-server', reaching('--database', url, opening))
  try {
    return await act(operator)
  } catch (error) {
    // What the database was asked for is what the flags say.
    throw error instanceof TypeError || error instanceof RangeError ? new UsageError(error.message) : error
  } finally {
    await operator.close()
  }
}

/** Prints a page of a list: a table, or one JSON object a line. Exit code 1 where there is nothing. */
export function printPage<T>(
  { json: isJson }: Pick<OperatorSettings, 'json'>,
  { items, next }: { readonly items: readonly T[]; readonly next?: string },
  { head, row }: { readonly head: readonly string[]; readonly row: (item: T) => readonly string[] },
): void {
  if (isJson) for (const item of items) printJson(item)
  else if (items.length > 0) printLines(table([head, ...items.map(row)]).join('\n'))
  if (items.length === 0) process.exitCode = 1
  if (items.length === 0 && !isJson) noteLines('there is nothing to list')
  if (next !== undefined) noteLines(`there is more: --after ${next}`)
}

/** Prints one thing: its members, or a JSON object. Exit code 1 where there is no such thing. */
export function printOne(
  { json: isJson }: Pick<OperatorSettings, 'json'>,
  item: object | undefined,
  missing: string,
): void {
  if (item === undefined) {
    process.exitCode = 1
    noteLines(missing)
    return
  }
  if (isJson) printJson(item)
  else printLines(table(Object.entries(item).map(([name, value]) => [name, cellOf(name, value)])).join('\n'))
}

/** Prints what a change did. @param o.found exit code 1 where nothing was */
export function report(
  { json: isJson }: Pick<OperatorSettings, 'json'>,
  { data: facts, text, found }: { readonly data: object; readonly text: string; readonly found: boolean },
): void {
  if (isJson) printJson(facts)
  else printLines(text)
  if (!found) process.exitCode = 1
}

const times = new Set([
  'created',
  'last_login',
  'last_used',
  'blocked',
  'published',
  'signs',
  'until',
  'revoked',
  'last_seen',
])

/** A cell of a table. Names and addresses are what users say of themselves: they stay on their line. */
export function cellOf(name: string, value: unknown): string {
  if (value === undefined) return '-'
  if (typeof value === 'number' && times.has(name)) return timeOf(value)
  if (typeof value === 'string') return onOneLine(value)
  if (Array.isArray(value) && value.every(each => typeof each === 'string'))
    return value.length === 0 ? '-' : onOneLine(value.join(' '))
  return onOneLine(JSON.stringify(value))
}

function timeOf(seconds: number): string {
  return new Date(seconds * 1000).toISOString().replace(/\.\d+Z$/, 'Z')
}
