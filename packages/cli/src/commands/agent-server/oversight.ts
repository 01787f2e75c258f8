import { randomUUID } from 'node:crypto'
import { existsSync } from 'node:fs'
import type { AgentServer, Delegate } from '@countersign/agent-server'
import { noteLines, printJson, printLines, UsageError } from '@countersign/fetch/internal'
import { generateSigningKey } from '@countersign/httpsig'
import { logLimit } from '@countersign/protocol'
import { jsonLog } from '@countersign/server'
import { isNewDatabase } from '@countersign/store/internal'
import type { Command } from 'commander'
import { z } from 'zod'
import { readConfiguration } from '../../flags/configuration.js'
import { defined } from '../../flags/defined.js'
import { audit } from '../../log/audit.js'
import { reaching } from '../../server/away.js'
import { dataFolder, epochKeeper, epochPath, serverOptions } from '../../server/participant.js'
import { auditOperations } from '../audit/operations.js'
import { openAgentServer } from './agent-server.js'
import { agentServerOptions, databaseOf } from './agent-server-options.js'
import { delegationIn, delegationText } from './delegation.js'

const { id, development, data, database, epoch } = agentServerOptions.shape
/** The `--config` file of an operator's command may be that of the server: its other options are checked, but not used. */
const ofServer = { ...agentServerOptions.shape, port: serverOptions.port.optional() }
/** The switch of every command that prints. */
export const json = z.boolean().default(false).describe('print JSON, one object a line')

/** The flags of a command, and the options of its `--config` file. */
export function operatorOptions<Own extends z.ZodRawShape>(own: Own) {
  return {
    flags: z.strictObject({ id, development, data, database, epoch, ...own }),
    options: z.strictObject({ ...ofServer, ...own }),
  }
}

/** Options of `countersign agent-server invite`, and `enrolments invite`. */
export const inviteOptions = operatorOptions({
  sub: z
    .string()
    .optional()
    .describe('the delegate that enrols with the code; default a new one. A revoked delegate is reinstated'),
  expiresIn: z.coerce
    .number()
    .int()
    .min(1)
    .max(604_800)
    .optional()
    .describe('lifetime of the code in seconds; default 3600'),
  series: z.string().optional().describe('name of the series of codes; code:SERIES revokes all its delegates'),
  label: z
    .string()
    .optional()
    .describe('name of the device, e.g. "Kitchen tablet": listed, and shown to users on the consent page'),
  delegation: z
    .string()
    .optional()
    .describe('file (JSON or YAML) with the conditions of the delegate, and the receivers of its tokens; default none'),
  count: z.coerce
    .number()
    .int()
    .min(1)
    .max(1000)
    .default(1)
    .describe('number of codes, each for one delegate; default 1'),
})

/** Options of `countersign agent-server list`. */
export const listOptions = operatorOptions({
  enrollment: z.string().optional().describe('only delegates of this enrolment, e.g. code:lab or oidc:ci'),
  search: z.string().min(1).optional().describe('the sub, or the beginning of the label, in any case'),
  after: z.string().optional().describe('begin after this delegate (sub)'),
  limit: z.coerce.number().int().min(1).max(1000).default(100).describe('most delegates to list; default 100'),
  json,
})

/** Options of `countersign agent-server delegation`. */
export const delegationOptions = operatorOptions({
  sub: z.string().min(1).describe('the delegate'),
  delegation: z
    .string()
    .min(1)
    .describe(
      'file (JSON or YAML) with the conditions of the delegate, and the receivers of its tokens; none takes them away',
    ),
  json,
})

/** Options of `countersign agent-server revoke`. */
export const revokeOptions = operatorOptions({
  sub: z.string().min(1).optional().describe('the delegate to revoke'),
  enrollment: z.string().min(1).optional().describe('revoke all delegates of this enrolment, and its unused codes'),
  json,
})

/** Options of `countersign agent-server reinstate`. */
export const reinstateOptions = operatorOptions({
  sub: z.string().describe('the revoked delegate that may enrol again'),
  json,
})

/** Options of `countersign agent-server forget`. */
export const forgetOptions = operatorOptions({
  unseenFor: z.coerce
    .number()
    .int()
    .min(31)
    .max(36_500)
    .describe('days since the delegates were last seen, at least 31'),
  json,
})

type ServerSettings = Parameters<typeof openAgentServer>[0]

/** `countersign agent-server audit …`. */
export const auditOf: ReturnType<typeof auditOperations> = auditOperations<ServerSettings & { readonly json: boolean }>(
  {
    options: own => operatorOptions({ ...own, json }),
    reading: (settings, act) => withDelegates(settings, server => act(server.audit)),
  },
)

async function withServer<R>(settings: ServerSettings, act: (server: AgentServer) => Promise<R>): Promise<R> {
  // An operator's command signs nothing: it must neither need nor create the keys of the server.
  const keys = [{ kid: 'none', key: await generateSigningKey() }]
  const server = await openAgentServer(settings, operatorAudit(), {
    keys,
    knownKeys: 'ignore',
    audit: 'append',
    ...epochOf(settings),
  })
  try {
    return await act(server)
  } finally {
    await server.close()
  }
}

/** The epoch file of the server; none on a machine where the server does not run. */
function epochOf(settings: ServerSettings): ReturnType<typeof epochKeeper> {
  const folder = dataFolder('agent-server', settings)
  if (!existsSync(epochPath('agent-server', folder, settings))) return {}
  return epochKeeper('agent-server', folder, { ...settings, database: databaseOf(settings) })
}

/** Records the changes of an operator on stderr, in the form of the server's log. */
function operatorAudit(): ReturnType<typeof audit> {
  const log = jsonLog({ name: 'agent-server' })
  return audit(log, logLimit(log))
}

/**
 * As {@link withServer}, for a server that exists: a misspelt name must not create an empty one and invite or revoke delegates there.
 */
export async function withDelegates<R>(settings: ServerSettings, act: (server: AgentServer) => Promise<R>): Promise<R> {
  const url = databaseOf(settings)
  if (url !== 'sqlite::memory:' && (await reaching('--database', url, isNewDatabase({ url, room: 'agent_server' }))))
    throw new UsageError(
      `there is no database of an agent server ${url.startsWith('sqlite:') ? `at ${url}` : 'in PostgreSQL'}: start the server first, or correct --id, --data or --database`,
    )
  return withServer(settings, act)
}

/** `countersign agent-server invite`: prints single-use enrolment codes, one JSON object a line. */
export async function invite(command: Command): Promise<void> {
  const settings = readConfiguration(command, inviteOptions.options, process.env)
  const { sub, expiresIn, label, count, series = randomUUID() } = settings
  const delegation = settings.delegation === undefined ? undefined : delegationIn(settings.delegation)
  if (delegation !== undefined) noteLines(delegationText(delegation))
  if (sub !== undefined && count > 1) throw new UsageError('--sub names one delegate: leave out --count')
  await withDelegates(settings, async server => {
    for (let made = 0; made < count; made++) {
      const invitation = await server.invite(defined({ series, sub, expiresIn, label, delegation }))
      printJson({ agent_server: settings.id, ...invitation })
    }
  })
}

/** `countersign agent-server list`: prints delegates in the order of `sub`, with the time they were last seen. */
export async function list(command: Command): Promise<void> {
  const settings = readConfiguration(command, listOptions.options, process.env)
  const { enrollment, after, limit, search } = settings
  await withDelegates(settings, async server => {
    const delegates = await server.list(defined({ limit, enrollment, after, search }))
    if (settings.json) for (const delegate of delegates) printJson(delegate)
    else printLines(table(delegates))
    const last = delegates.at(-1)
    if (last !== undefined && delegates.length === limit) noteLines(`there may be more: --after ${last.sub}`)
  })
}

/**
 * `countersign agent-server delegation`: sets what a delegate may be used for from its next renewal on. Exit code 1 when there is no such
 * delegate.
 */
export async function setDelegation(command: Command): Promise<void> {
  const settings = readConfiguration(command, delegationOptions.options, process.env)
  const { sub } = settings
  const delegation = settings.delegation === 'none' ? null : delegationIn(settings.delegation)
  const holds = delegation === null ? 'the delegate has no conditions' : delegationText(delegation)
  await withDelegates(settings, async server => {
    const found = await server.setDelegation(sub, delegation)
    const text = `from the next renewal of ${sub} on, ${holds}\ntokens that it has keep what they say until they end`
    report(settings, { sub, delegates: Number(found), delegation }, found ? text : 'there is no delegate with this sub')
    if (!found) process.exitCode = 1
  })
}

/** `countersign agent-server revoke`: ends a delegate, or all delegates of one enrolment. Exit code 1 when there was none. */
export async function revoke(command: Command): Promise<void> {
  const settings = readConfiguration(command, revokeOptions.options, process.env)
  const { sub, enrollment } = settings
  if ((sub === undefined) === (enrollment === undefined)) throw new UsageError('give either --sub or --enrollment')
  await withDelegates(settings, async server => {
    const delegates =
      sub === undefined ? await server.revokeEnrollment(enrollment ?? '') : Number(await server.revoke(sub))
    const named = sub === undefined ? { enrollment } : { sub }
    report(settings, { ...named, delegates }, `${delegates} ${delegates === 1 ? 'delegate' : 'delegates'} revoked`)
    if (delegates === 0) process.exitCode = 1
  })
}

/** `countersign agent-server reinstate`: lets a revoked delegate enrol again. Exit code 1 when it was not revoked. */
export async function reinstate(command: Command): Promise<void> {
  const settings = readConfiguration(command, reinstateOptions.options, process.env)
  const { sub } = settings
  await withDelegates(settings, async server => {
    const reinstated = await server.reinstate(sub)
    report(
      settings,
      { sub, reinstated },
      reinstated ? 'the delegate may enrol again' : 'there is no revoked delegate with this sub',
    )
    if (!reinstated) process.exitCode = 1
  })
}

/** `countersign agent-server forget`: removes delegates from the list that have not been seen for long; revoked ones stay. */
export async function forget(command: Command): Promise<void> {
  const settings = readConfiguration(command, forgetOptions.options, process.env)
  await withDelegates(settings, async server => {
    const delegates = await server.forget(settings.unseenFor * 86_400)
    report(settings, { delegates }, `${delegates} ${delegates === 1 ? 'delegate' : 'delegates'} forgotten`)
  })
}

function report(settings: { readonly json: boolean }, data: object, text: string): void {
  if (settings.json) printJson(data)
  else printLines(text)
}

function table(delegates: readonly Delegate[]): string {
  const head = ['SUB', 'LABEL', 'ENROLMENT', 'CREATED', 'LAST SEEN', 'REVOKED']
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
