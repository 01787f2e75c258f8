import { AuditError, type AuditPage, type AuditQuery, type AuditReader, type PlacedEvent } from '@countersign/audit'
import { printJson, UsageError } from '@countersign/fetch/internal'
import { z } from 'zod'
import { readConfiguration } from '../../flags/configuration.js'
import { defined } from '../../flags/defined.js'
import { secondsIn } from '../../flags/moment.js'
import type { Operation } from '../operator/groups.js'
import { cellOf, pageOptions, printOne, printPage, report } from '../operator/operator.js'
import { shownMembers } from './shown-members.js'

const filter = {
  type: z.string().min(1).optional().describe('of this type, such as granted or refused'),
  agent: z.string().min(1).optional().describe('of this agent'),
  delegate: z.string().min(1).optional().describe('of this delegate'),
  user: z.string().min(1).optional().describe('of this user (sub)'),
  resource: z.string().min(1).optional().describe('at this resource'),
  txn: z.string().min(1).optional().describe('of one user action: its audit id'),
  since: z.string().optional().describe('from this time on, Unix seconds or a date'),
  until: z.string().optional().describe('before this time, Unix seconds or a date'),
}

const event = z.string().min(1).describe('the id of the event, as list prints it')

const exporting = {
  to: z.string().min(1).describe('a new or empty folder'),
  personal: z
    .enum(['with', 'without'])
    .describe('with or without what the events say of persons: without for those who need not know'),
}

type Options = z.ZodObject<z.ZodRawShape>

/** The server whose log the commands read. */
export interface AuditedServer<S extends { readonly json: boolean }> {
  /** The flags of a command, and the options of its `--config` file. */
  options(own: z.ZodRawShape): { readonly flags: Options; readonly options: Options }
  /** Runs `act` on the log of the server that the settings name. */
  reading<R>(settings: S, act: (audit: AuditReader) => Promise<R>): Promise<R>
}

/** `audit list`, `show`, `prove` and `export` of a server. */
export function auditOperations<S extends { readonly json: boolean }>(
  server: AuditedServer<S>,
): Readonly<Record<'list' | 'show' | 'prove' | 'export', Operation>> {
  const operation = (
    description: string,
    own: z.ZodRawShape,
    act: (settings: S & Readonly<Record<string, string | number | undefined>>) => Promise<void>,
  ): Operation => {
    const { flags, options } = server.options(own)
    return {
      description,
      options: flags,
      act: command => act(readConfiguration(command, options, process.env) as Parameters<typeof act>[0]),
    }
  }
  return {
    list: operation('list events of the audit log, the newest first', { ...filter, ...pageOptions }, async settings => {
      printEvents(settings, await server.reading(settings, audit => audit.list(queryOf(settings))))
    }),
    show: operation('show an event', { event }, async settings => {
      const found = await server.reading(settings, audit => audit.find(String(settings['event'])))
      printOne(settings, found && shownEvent(found), noEvent)
    }),
    prove: operation(
      'print the proof that an event stands in the log, for countersign audit proof',
      { event },
      async settings => {
        printJson(await server.reading(settings, audit => audit.prove(String(settings['event'])).catch(asUsage)))
      },
    ),
    export: operation('write the log into a folder, for countersign audit verify', exporting, async settings => {
      const to = String(settings['to'])
      const personal = settings['personal'] === 'with' ? 'with' : 'without'
      const written = await server.reading(settings, audit => audit.export(to, { personal }).catch(asUsage))
      const text = `${written.events} events of a log of ${written.size} are in ${cellOf('to', to)}`
      report(settings, { data: { to, ...written }, text, found: true })
    }),
  }
}

function queryOf(settings: Readonly<Record<string, unknown>>): AuditQuery {
  const { type, agent, delegate, user, resource, txn, since, until, after, limit } = settings as Partial<
    Record<string, string>
  > & { readonly limit?: number }
  return {
    ...defined({ limit, type, agent, delegate, user, resource, txn }),
    ...(since === undefined ? {} : { since: secondsIn('--since', since) }),
    ...(until === undefined ? {} : { until: secondsIn('--until', until) }),
    ...(after === undefined ? {} : { before: placeIn(after) }),
  }
}

function printEvents(settings: { readonly json: boolean }, { events, next }: AuditPage): void {
  const columns = ['time', 'type', 'agent', 'delegate', 'user', 'resource', 'txn', 'event'] as const
  const items = events.map(shownEvent)
  printPage(
    settings,
    { items, ...(next === undefined ? {} : { next: String(next) }) },
    {
      head: columns.map(name => name.toUpperCase()),
      row: item => columns.map(name => cellOf(name, (item as Partial<Record<string, unknown>>)[name])),
    },
  )
}

const noEvent = 'there is no such event with a place in the log: the newest get theirs within a second'

function asUsage(error: unknown): never {
  if (error instanceof AuditError && error.code === 'not-found') throw new UsageError(noEvent)
  if (error instanceof AuditError) throw new UsageError(error.message)
  throw error
}

function placeIn(after: string): number {
  if (/^\d{1,15}$/.test(after)) return Number(after)
  throw new UsageError('--after must be the place that the page before has named')
}

function shownEvent(event: PlacedEvent): object {
  const { id, index, type, time } = event
  const at = new Date(time * 1000).toISOString().replace(/\.\d+Z$/, 'Z')
  return { event: id, place: index, time: at, type, ...shownMembers(event) }
}
