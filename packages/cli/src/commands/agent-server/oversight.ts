import { randomUUID } from 'node:crypto'
import { existsSync } from 'node:fs'
import type { AgentServer, Delegate } from '@countersign/agent-server'
import { noteLines, printJson, printLines, UsageError } from '@countersign/fetch'
import { generateSigningKey } from '@countersign/httpsig'
import { logLimit } from '@countersign/protocol'
import { jsonLog } from '@countersign/server'
import { isNewDatabase } from '@countersign/store'
import type { Command } from 'commander'
import { z } from 'zod'
import { readConfiguration } from '../../flags/configuration.js'
import { audit } from '../../log/audit.js'
import { reaching } from '../../server/away.js'
import { dataFolder, epochKeeper, epochPath, serverOptions } from '../../server/participant.js'
import { agentServerOptions, databaseOf, openAgentServer } from './agent-server.js'

const { id, development, data, database, epoch } = agentServerOptions.shape
/** The `--config` file of an operator's command may be the server's own: what else stands there is checked, and not needed. */
const ofServer = { ...agentServerOptions.shape, port: serverOptions.port.optional() }
const json = z.boolean().default(false).describe('print JSON, one object a line')

/** What a command takes on its command line, and what its `--config` file may say. */
function operatorOptions<Own extends z.ZodRawShape>(own: Own) {
  return {
    flags: z.strictObject({ id, development, data, database, epoch, ...own }),
    options: z.strictObject({ ...ofServer, ...own }),
  }
}

/** Options of `countersign agent-server invite`. */
export const inviteOptions = operatorOptions({
  sub: z.string().optional().describe('the delegate the code is for; default a new one. A revoked one is reinstated'),
  expiresIn: z.coerce.number().int().min(1).max(604_800).optional().describe('seconds the code lives; default 3600'),
  series: z
    .string()
    .optional()
    .describe('names the series of the codes: what it enrolled can be revoked as code:SERIES'),
  label: z
    .string()
    .optional()
    .describe('what its users call the device, e.g. "Kitchen tablet": listed, and shown to the user who decides'),
  count: z.coerce.number().int().min(1).max(1000).default(1).describe('how many codes, a delegate each; default 1'),
})

/** Options of `countersign agent-server list`. */
export const listOptions = operatorOptions({
  enrollment: z.string().optional().describe('only the delegates that came by it, such as code:lab or oidc:ci'),
  after: z.string().optional().describe('begin after this sub'),
  limit: z.coerce.number().int().min(1).max(1000).default(100).describe('how many at most; default 100'),
  json,
})

/** Options of `countersign agent-server revoke`. */
export const revokeOptions = operatorOptions({
  sub: z.string().min(1).optional().describe('the delegate to revoke'),
  enrollment: z.string().min(1).optional().describe('revoke all delegates that came by it, and its unused codes'),
  json,
})

/** Options of `countersign agent-server reinstate`. */
export const reinstateOptions = operatorOptions({
  sub: z.string().describe('the revoked delegate that may enrol again'),
  json,
})

/** Options of `countersign agent-server forget`. */
export const forgetOptions = operatorOptions({
  unseenFor: z.coerce.number().int().min(31).max(36_500).describe('days since they were last seen, at least 31'),
  json,
})

type ServerSettings = Parameters<typeof openAgentServer>[0]

async function withServer(settings: ServerSettings, act: (server: AgentServer) => Promise<void>): Promise<void> {
  // An operator's act signs nothing, and must neither need nor make the keys of the server.
  const keys = [{ kid: 'none', key: await generateSigningKey() }]
  const server = await openAgentServer(settings, operatorAudit(), {
    keys,
    knownKeys: 'ignore',
    ...epochBeside(settings),
  })
  try {
    await act(server)
  } finally {
    await server.close()
  }
}

/** The epoch that the server keeps here; none on a machine where it does not run. */
function epochBeside(settings: ServerSettings): ReturnType<typeof epochKeeper> {
  const folder = dataFolder('agent-server', settings)
  if (!existsSync(epochPath('agent-server', folder, settings))) return {}
  return epochKeeper('agent-server', folder, { ...settings, database: databaseOf(settings) })
}

/** What an operator changes is a record, too: one line each on stderr, in the form of the server's own log. */
function operatorAudit(): ReturnType<typeof audit> {
  const log = jsonLog({ name: 'agent-server' })
  return audit(log, logLimit(log))
}

/**
 * As {@link withServer}, where there is a server: a name spelt wrongly must not make an empty one beside it, and invite or revoke
 * delegates there.
 */
async function withDelegates(settings: ServerSettings, act: (server: AgentServer) => Promise<void>): Promise<void> {
  const url = databaseOf(settings)
  if (url !== 'sqlite::memory:' && (await reaching('--database', url, isNewDatabase({ url, room: 'agent_server' }))))
    throw new UsageError(
      `there is no agent server's database ${url.startsWith('sqlite:') ? url : 'in PostgreSQL'}: start the server first, or see --id, --data and --database`,
    )
  return withServer(settings, act)
}

/** `countersign agent-server invite`: prints single-use enrolment codes, one JSON object a line. */
export async function invite(command: Command): Promise<void> {
  const settings = readConfiguration(command, inviteOptions.options, process.env)
  const { sub, expiresIn, label, count, series = randomUUID() } = settings
  if (sub !== undefined && count > 1) throw new UsageError('--sub names one delegate: leave out --count')
  await withDelegates(settings, async server => {
    for (let made = 0; made < count; made++) {
      const invitation = await server.invite({
        series,
        ...(sub === undefined ? {} : { sub }),
        ...(expiresIn === undefined ? {} : { expiresIn }),
        ...(label === undefined ? {} : { label }),
      })
      printJson({ agent_server: settings.id, ...invitation })
    }
  })
}

/** `countersign agent-server list`: prints delegates in order of `sub`, with when they were last seen. */
export async function list(command: Command): Promise<void> {
  const settings = readConfiguration(command, listOptions.options, process.env)
  const { enrollment, after, limit } = settings
  await withDelegates(settings, async server => {
    const delegates = await server.list({
      limit,
      ...(enrollment === undefined ? {} : { enrollment }),
      ...(after === undefined ? {} : { after }),
    })
    if (settings.json) for (const delegate of delegates) printJson(delegate)
    else printLines(table(delegates))
    const last = delegates.at(-1)
    if (last !== undefined && delegates.length === limit) noteLines(`there may be more: --after ${last.sub}`)
  })
}

/** `countersign agent-server revoke`: ends a delegate, or all that came by one enrolment. Exit code 1 when there was none. */
export async function revoke(command: Command): Promise<void> {
  const settings = readConfiguration(command, revokeOptions.options, process.env)
  const { sub, enrollment } = settings
  if ((sub === undefined) === (enrollment === undefined))
    throw new UsageError('give --sub or --enrollment, one of them')
  await withDelegates(settings, async server => {
    const delegates =
      sub === undefined ? await server.revokeEnrollment(enrollment ?? '') : Number(await server.revoke(sub))
    const named = sub === undefined ? { enrollment } : { sub }
    tell(settings, { ...named, delegates }, `${delegates} ${delegates === 1 ? 'delegate' : 'delegates'} revoked`)
    if (delegates === 0) process.exitCode = 1
  })
}

/** `countersign agent-server reinstate`: lets a revoked delegate enrol again. Exit code 1 when it was not revoked. */
export async function reinstate(command: Command): Promise<void> {
  const settings = readConfiguration(command, reinstateOptions.options, process.env)
  const { sub } = settings
  await withDelegates(settings, async server => {
    const reinstated = await server.reinstate(sub)
    tell(settings, { sub, reinstated }, reinstated ? 'it may enrol again' : 'there is no revoked delegate of that name')
    if (!reinstated) process.exitCode = 1
  })
}

/** `countersign agent-server forget`: takes delegates from the list that were long away; revoked ones stay. */
export async function forget(command: Command): Promise<void> {
  const settings = readConfiguration(command, forgetOptions.options, process.env)
  await withDelegates(settings, async server => {
    const delegates = await server.forget(settings.unseenFor * 86_400)
    tell(settings, { delegates }, `${delegates} ${delegates === 1 ? 'delegate' : 'delegates'} forgotten`)
  })
}

function tell(settings: { readonly json: boolean }, data: object, words: string): void {
  if (settings.json) printJson(data)
  else printLines(words)
}

function table(delegates: readonly Delegate[]): string {
  const head = ['SUB', 'LABEL', 'CAME BY', 'CREATED', 'LAST SEEN', 'REVOKED']
  const rows = delegates.map(({ sub, label = '-', enrollment, created, last_seen, revoked }) => [
    sub,
    label,
    enrollment === '' ? '-' : enrollment,
    date(created),
    date(last_seen),
    revoked === undefined ? '-' : date(revoked),
  ])
  const widths = head.map((_, column) => Math.max(...[head, ...rows].map(row => row[column]?.length ?? 0)))
  return [head, ...rows]
    .map(row =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}

function date(seconds: number): string {
  return new Date(seconds * 1000).toISOString().replace(/\.\d+Z$/, 'Z')
}
