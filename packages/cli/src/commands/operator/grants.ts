import { UsageError } from '@countersign/fetch/internal'
import type { Command } from 'commander'
import { z } from 'zod'
import { readConfiguration } from '../../flags/configuration.js'
import { defined } from '../../flags/defined.js'
import { cellOf, operatorOptions, pageOptions, printOne, printPage, report, withOperator } from './operator.js'

const filter = {
  agent: z.string().min(1).optional().describe('of this agent'),
  delegate: z.string().min(1).optional().describe('of this delegate of the agent'),
  user: z.string().min(1).optional().describe('of this user (sub)'),
  resource: z.string().min(1).optional().describe('at this resource'),
}

/** Options of `countersign auth-server grants list`. */
export const grantListOptions = operatorOptions({ ...filter, ...pageOptions })

/** Options of `countersign auth-server grants show`. */
export const grantOptions = operatorOptions({
  grant: z.string().min(1).describe('the grant, as the log and its tokens name it'),
})

/** Options of `countersign auth-server grants revoke`. */
export const revokeOptions = operatorOptions({
  grant: z.string().min(1).optional().describe('one grant; else all that fit the other flags'),
  ...filter,
})

/** `countersign auth-server grants list`: prints live grants. */
export async function listGrants(command: Command): Promise<void> {
  const settings = readConfiguration(command, grantListOptions.options, process.env)
  const { agent, delegate, user, resource, after, limit } = settings
  const asked = { limit, ...defined({ agent, delegate, user, resource, after }) }
  const page = await withOperator(settings, ({ grants }) => grants.list(asked))
  const columns = ['grant', 'agent', 'delegate', 'resource', 'scope', 'user', 'last_used'] as const
  printPage(settings, page, {
    head: ['GRANT', 'AGENT', 'DELEGATE', 'RESOURCE', 'SCOPE', 'USER', 'LAST USED'],
    row: item => columns.map(name => cellOf(name, item[name])),
  })
}

/** `countersign auth-server grants show`: prints a grant. */
export async function showGrant(command: Command): Promise<void> {
  const settings = readConfiguration(command, grantOptions.options, process.env)
  const found = await withOperator(settings, ({ grants }) => grants.show(settings.grant))
  printOne(settings, found, 'there is no such grant')
}

/** `countersign auth-server grants revoke`: ends grants; their resources are told. */
export async function revokeGrants(command: Command): Promise<void> {
  const settings = readConfiguration(command, revokeOptions.options, process.env)
  const { grant, agent, delegate, user, resource } = settings
  const named = defined({ grant, agent, delegate, user, resource })
  if (Object.keys(named).length === 0) throw new UsageError('give --grant, or --agent, --user or --resource')
  if (grant !== undefined && Object.keys(named).length > 1)
    throw new UsageError('--grant names one grant: leave out the other flags')
  const ended = await withOperator(settings, ({ grants }) => grants.revoke(named))
  const text = `${ended} ${ended === 1 ? 'grant' : 'grants'} ended`
  report(settings, { data: { ...named, grants: ended }, text, found: ended > 0 })
}
