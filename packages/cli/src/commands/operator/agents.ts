import type { AgentBlock, Blocked } from '@countersign/console'
import { UsageError } from '@countersign/fetch/internal'
import type { Command } from 'commander'
import { z } from 'zod'
import { readConfiguration } from '../../flags/configuration.js'
import { defined } from '../../flags/defined.js'
import { cellOf, operatorOptions, pageOptions, printOne, printPage, report, withOperator } from './operator.js'

/** Options of `countersign auth-server agents list`. */
export const agentListOptions = operatorOptions({
  blocked: z
    .boolean()
    .default(false)
    .describe('the agents, delegates and sites that are blocked; default agents with grants'),
  ...pageOptions,
})

/** Options of `countersign auth-server agents show`. */
export const agentOptions = operatorOptions({ agent: z.string().min(1).describe('the agent') })

/** Options of `countersign auth-server agents block` and `unblock`. */
export const agentBlockOptions = operatorOptions({
  agent: z.string().min(1).optional().describe('the agent'),
  delegate: z.string().min(1).optional().describe('only this delegate of the agent (sub of its agent token)'),
  site: z.string().min(1).optional().describe('all agents of a registrable domain, such as acme.example'),
})

/** `countersign auth-server agents list`: prints agents that have grants, or what is blocked. */
export async function listAgents(command: Command): Promise<void> {
  const settings = readConfiguration(command, agentListOptions.options, process.env)
  const { after, limit, blocked } = settings
  if (blocked) return listBlocks(settings)
  const page = await withOperator(settings, ({ agents }) => agents.list({ limit, ...defined({ after }) }))
  printPage(settings, page, {
    head: ['AGENT', 'GRANTS', 'BLOCKED'],
    row: item => [item.agent, item.grants === 1000 ? '1000 or more' : String(item.grants), item.blocked ?? '-'],
  })
}

async function listBlocks(settings: z.infer<typeof agentListOptions.options>): Promise<void> {
  const items = await withOperator(settings, ({ agents }) => agents.blocks())
  printPage(
    settings,
    { items },
    {
      head: ['AGENT', 'DELEGATE', 'SITE', 'SINCE'],
      row: item => (['agent', 'delegate', 'site', 'blocked'] as const).map(name => cellOf(name, item[name])),
    },
  )
}

/** `countersign auth-server agents show`: prints an agent. */
export async function showAgent(command: Command): Promise<void> {
  const settings = readConfiguration(command, agentOptions.options, process.env)
  const found = await withOperator(settings, ({ agents }) => agents.show(settings.agent))
  printOne(settings, found, 'this agent has no grants, and is not blocked')
}

/** `countersign auth-server agents block`: ends what an agent, a delegate or a site has, and gives it nothing more. */
export async function blockAgent(command: Command): Promise<void> {
  const settings = readConfiguration(command, agentBlockOptions.options, process.env)
  const who = whoIn(settings)
  const done: Blocked = await withOperator(settings, ({ agents }) => agents.block(who))
  const text = `${textOf(who)} is blocked; grants ended: ${done.grants}\nother instances of the server know within 5 seconds`
  report(settings, { data: { ...who, blocked: true, ...done }, text, found: true })
}

/** `countersign auth-server agents unblock`: lets an agent, a delegate or a site ask again. */
export async function unblockAgent(command: Command): Promise<void> {
  const settings = readConfiguration(command, agentBlockOptions.options, process.env)
  const who = whoIn(settings)
  const unblocked = await withOperator(settings, ({ agents }) => agents.unblock(who))
  const text = unblocked ? `${textOf(who)} may ask again` : `${textOf(who)} was not blocked`
  report(settings, { data: { ...who, unblocked }, text, found: unblocked })
}

function whoIn({ agent, delegate, site }: z.infer<typeof agentBlockOptions.options>): AgentBlock {
  if (site !== undefined && agent === undefined && delegate === undefined) return { site }
  if (agent === undefined || site !== undefined)
    throw new UsageError('give either --agent, with or without --delegate, or --site')
  return { agent, ...defined({ delegate }) }
}

function textOf(who: AgentBlock): string {
  if ('site' in who) return `the site ${who.site}`
  return who.delegate === undefined ? who.agent : `delegate ${who.delegate} of ${who.agent}`
}
