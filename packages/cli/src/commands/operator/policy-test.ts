import type { PolicyRequest } from '@countersign/auth-server'
import { blockLists, checkDeny, type PolicyVerdict, policyRequest, tryPolicy } from '@countersign/auth-server/internal'
import { printJson, printLines, requireIdentifier, table, UsageError } from '@countersign/fetch/internal'
import type { Command } from 'commander'
import { z } from 'zod'
import { readConfiguration } from '../../flags/configuration.js'
import { defined } from '../../flags/defined.js'
import { serverOptions } from '../../server/participant.js'
import { policyOf } from '../../server/policy.js'
import { rulesOf } from '../../server/policy-rules.js'
import { authServerOptions } from '../auth-server/auth-server-options.js'

const own = {
  agent: z.string().min(1).describe('the agent that asks'),
  delegate: z.string().min(1).optional().describe('its delegate; default the agent server itself'),
  resource: z.string().min(1).describe('the resource that the token would be for'),
  scope: z.string().min(1).describe('the scopes that it asks for, set apart by spaces'),
  user: z
    .string()
    .min(1)
    .optional()
    .describe('sub of a user who has said yes; default the request is new, and nobody was asked'),
  json: z.boolean().default(false).describe('print the result as one JSON object'),
}

/** Options of `countersign auth-server policy test`. */
export const policyTestOptions = {
  flags: z.strictObject({ id: authServerOptions.shape.id, development: authServerOptions.shape.development, ...own }),
  options: z.strictObject({ ...authServerOptions.shape, port: serverOptions.port.optional(), ...own }),
}

type Settings = z.infer<typeof policyTestOptions.options>

/**
 * `countersign auth-server policy test`: what the configuration would decide, and which of its rules does. The database, and with it the
 * blocks of operators, is not read. Exit code 1: it is denied.
 */
export async function testServerPolicy(command: Command): Promise<void> {
  const settings = readConfiguration(command, policyTestOptions.options, process.env)
  requireIdentifier(settings.agent, '--agent', settings.development)
  requireIdentifier(settings.resource, '--resource', settings.development)
  const scope = settings.scope.split(' ').filter(name => name !== '')
  const { agent, delegate, resource, user } = settings
  const request = policyRequest({ agent, ...defined({ delegate }) }, { resource, scope, purpose: undefined, user })
  const verdict = deniedBy(settings) ?? (await decide(request, settings))
  if (verdict.decision === 'deny') process.exitCode = 1
  if (settings.json) {
    printJson(verdict)
    return
  }
  const { by, ...more } = verdict
  const rows = Object.entries({ ...more, by: by.length === 0 ? 'no rule allows it' : by.join(', ') })
  printLines(
    table(rows.map(([name, value]) => [name, typeof value === 'string' ? value : JSON.stringify(value)])).join('\n'),
  )
}

/** The list of `deny` that refuses the request. */
function deniedBy({ deny = {}, development, agent, delegate, user }: Settings): PolicyVerdict | undefined {
  const lists = defined(deny)
  try {
    checkDeny(lists, { development })
  } catch (error) {
    throw error instanceof TypeError ? new UsageError(error.message) : error
  }
  for (const name of ['agents', 'delegates', 'sites'] as const) {
    const list = blockLists(lists[name] === undefined ? {} : { [name]: lists[name] }, [])
    if (list.isPartyBlocked({ agent, delegate }))
      return { decision: 'deny', by: [`deny.${name}`], reason: 'caller_blocked' }
  }
  if (user === undefined || !blockLists(lists, []).isUserBlocked(user)) return undefined
  return { decision: 'deny', by: ['deny.users'], reason: 'user_blocked' }
}

async function decide(request: PolicyRequest, settings: Settings): Promise<PolicyVerdict> {
  const { login, passkeys, demoUsers } = settings
  const users = login.length > 0 || passkeys !== undefined || demoUsers.length > 0 ? 'some' : 'none'
  return tryPolicy(request, {
    policy: await policyOf(settings),
    users,
    rulesOf: (asked, named) => rulesOf(asked, settings, named),
  })
}
