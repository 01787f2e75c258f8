import { askUsers, directGrants, type PolicyRequest } from '@countersign/auth-server'
import {
  type Allowed,
  blockLists,
  checkDeny,
  decideAgain,
  decideNew,
  policyRequest,
} from '@countersign/auth-server/internal'
import { printJson, printLines, requireIdentifier, table, UsageError } from '@countersign/fetch/internal'
import { AAuthError } from '@countersign/protocol'
import type { Command } from 'commander'
import { z } from 'zod'
import { readConfiguration } from '../../flags/configuration.js'
import { defined } from '../../flags/defined.js'
import { serverOptions } from '../../server/participant.js'
import { policyOf } from '../../server/policy.js'
import { authServerOptions } from '../auth-server.js'

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

/** What would be decided, and the place in the configuration that decides. */
interface Verdict {
  readonly decision: 'direct' | 'consent' | 'deny'
  /** Such as `deny.agents`, `grants.0` or `ask.1`. */
  readonly by: readonly string[]
  readonly reason?: string
  readonly conditions?: Allowed['conditions']
  readonly approver?: string
}

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
  const rows = Object.entries({ ...more, by: by.length === 0 ? 'no rule allows it' : by.join(' ') })
  printLines(
    table(rows.map(([name, value]) => [name, typeof value === 'string' ? value : JSON.stringify(value)])).join('\n'),
  )
}

/** The list of `deny` that refuses the request. */
function deniedBy({ deny = {}, development, agent, delegate, user }: Settings): Verdict | undefined {
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

async function decide(request: PolicyRequest, settings: Settings): Promise<Verdict> {
  const policy = await policyOf(settings)
  const { login, passkeys, demoUsers } = settings
  const users = login.length > 0 || passkeys !== undefined || demoUsers.length > 0 ? 'some' : 'none'
  try {
    const allowed =
      request.user === undefined ? await decideNew(request, { policy, users }) : await decideAgain(request, policy)
    const { decision, conditions, approver } = allowed
    return {
      decision,
      by: await rulesOf(request, settings),
      ...(conditions.length === 0 ? {} : { conditions }),
      ...defined({ approver }),
    }
  } catch (error) {
    if (!(error instanceof AAuthError)) throw error
    const by = await rulesOf(request, settings)
    return { decision: 'deny', by, reason: error.reason }
  }
}

/** The rules that decide: of grants each scope has its own, of the questions the first that covers all. */
async function rulesOf(request: PolicyRequest, { grants, ask, cedar, authzen }: Settings): Promise<string[]> {
  if (cedar !== undefined) return ['cedar']
  if (authzen !== undefined) return ['authzen']
  const ofScopes: Array<number | undefined> = []
  for (const scope of request.scope)
    ofScopes.push(await firstThat(grants, line => directGrants([defined(line)])({ ...request, scope: [scope] })))
  if (ofScopes.length > 0 && !ofScopes.includes(undefined)) return [...new Set(ofScopes)].map(line => `grants.${line}`)
  const question = await firstThat(ask, one => askUsers([defined(one)])(request))
  return question === undefined ? [] : [`ask.${question}`]
}

/** The number of the first rule that does not deny. */
async function firstThat<T>(rules: readonly T[], judge: (rule: T) => unknown): Promise<number | undefined> {
  for (const [at, rule] of rules.entries()) if ((await judge(rule)) !== 'deny') return at
  return undefined
}
