import { AuditError, type AuditQuery } from '@countersign/audit'
import type { AuthServerEvent } from '@countersign/auth-server'
import { type PolicyVerdict, policyRequest, tryPolicy } from '@countersign/auth-server/internal'
import { AAuthError, isIdentifier, parseScope } from '@countersign/protocol'
import { checkOptions, type OptionCheck, refusal } from '@countersign/protocol/internal'
import { makeInvitation } from '@countersign/user-desk/internal'
import { endAdminKey } from '../operator/admin-keys.js'
import type { AgentBlock } from '../operator/operator-agents.js'
import type { GrantFilter, GrantListOptions } from '../operator/operator-grants.js'
import type { UserListOptions } from '../operator/operator-users.js'
import type { PageOptions } from '../operator/page.js'
import type { AdminCaller, AdminContext } from './admin-context.js'
import { overview } from './overview.js'

/** The members of a call, as its JSON gives them. */
export type CallMembers = Readonly<Record<string, unknown>>

/** What the page may ask for. */
export interface Call {
  /** Members and their checks; absent where the operator's function checks them. */
  readonly members?: Readonly<Record<string, OptionCheck>>
  /** Members that must be there. */
  readonly required?: readonly string[]
  /** Whether it only looks: then its event is `admin_read`. What changes something has an event of its own. */
  readonly reads: boolean
  run(members: CallMembers, admin: AdminCaller, context: AdminContext): Promise<unknown>
}

/** A call about one thing that a string names. */
function about(
  member: string,
  reads: boolean,
  run: (value: string, admin: AdminCaller, context: AdminContext) => Promise<unknown>,
): Call {
  return {
    members: { [member]: 'string' },
    required: [member],
    reads,
    run: (members, admin, context) => run(String(members[member]), admin, context),
  }
}

/** The calls of the page, by path below `/api/`. Each calls the function of the operator that the command calls. */
export const adminCalls: Readonly<Record<string, Call>> = {
  overview: { members: {}, reads: false, run: (_, admin, context) => overview(admin, context) },
  'users/list': {
    reads: true,
    run: (members, { operator }) => operator.users.list(members as UserListOptions),
  },
  'users/show': about('sub', true, (sub, { operator }) => operator.users.show(sub)),
  'users/block': about('sub', false, (sub, { operator }) => operator.users.block(sub)),
  'users/unblock': about('sub', false, (sub, { operator }) => operator.users.unblock(sub)),
  'users/invite': { members: { user: 'string' }, reads: false, run: inviteUser },
  'grants/list': {
    reads: true,
    run: (members, { operator }) => operator.grants.list(members as GrantListOptions),
  },
  'grants/show': about('grant', true, (grant, { operator }) => operator.grants.show(grant)),
  'grants/revoke': {
    reads: false,
    run: (members, { operator }) => operator.grants.revoke(members as GrantFilter),
  },
  'agents/list': {
    reads: true,
    run: (members, { operator }) => operator.agents.list(members as PageOptions),
  },
  'agents/blocks': { members: {}, reads: true, run: (_, { operator }) => operator.agents.blocks() },
  'agents/show': about('agent', true, (agent, { operator }) => operator.agents.show(agent)),
  'agents/affected': {
    reads: true,
    run: (members, { operator }) => operator.agents.affected(members as unknown as AgentBlock),
  },
  'agents/block': {
    reads: false,
    run: (members, { operator }) => operator.agents.block(members as unknown as AgentBlock),
  },
  'agents/unblock': {
    reads: false,
    run: (members, { operator }) => operator.agents.unblock(members as unknown as AgentBlock),
  },
  'keys/list': { members: {}, reads: true, run: (_, { operator }) => operator.keys.list() },
  'keys/rotate': { members: {}, reads: false, run: (_, { operator }) => operator.keys.rotate() },
  'keys/revoke': about('kid', false, (kid, { operator }) => operator.keys.revoke(kid)),
  'audit/list': {
    reads: true,
    run: (members, { operator }) => operator.audit.list(members as AuditQuery),
  },
  'audit/show': about('event', true, (event, { operator }) => operator.audit.find(event)),
  'audit/prove': about('event', true, (event, { operator }) => operator.audit.prove(event)),
  'policy/test': {
    members: { agent: 'string', delegate: 'string', resource: 'string', scope: 'string', user: 'string' },
    required: ['agent', 'resource', 'scope'],
    reads: true,
    run: testPolicy,
  },
  'admins/list': { members: {}, reads: true, run: (_, { operator }) => operator.admins.list() },
  'admins/remove': about('name', false, (name, { operator }) => operator.admins.remove(name)),
  'sign-out': { members: {}, reads: false, run: signOut },
}

/** Runs a call for an admin. @throws AAuthError `invalid_request` for members that are unfit */
export async function runCall(
  path: string,
  { call, members }: { readonly call: Call; readonly members: CallMembers },
  { admin, context }: { readonly admin: AdminCaller; readonly context: AdminContext },
): Promise<unknown> {
  try {
    if (call.members !== undefined) checkOptions(path, members, call.members, call.required ?? [])
    const result = await call.run(members, admin, context)
    // Always recorded: that a user was looked up must not go unseen in a crowd of others.
    if (call.reads) await context.store.write(tx => admin.report.within(tx, readEvent(path, members)))
    return result
  } catch (error) {
    // What was asked for is what the admin has typed.
    if (!(error instanceof TypeError || error instanceof RangeError || isUnproven(error))) throw error
    throw refusal('parameter_malformed', { about: error.message.slice(0, 300) })
  }
}

/** An event that is not in the log, or not yet under a checkpoint. Other faults of the log are those of the server. */
function isUnproven(error: unknown): error is AuditError {
  return error instanceof AuditError && (error.code === 'not-found' || error.code === 'not-signed')
}

/** Names what was looked at, but not what was searched for: names and addresses of people stay out of logs. */
function readEvent(call: string, { sub, user, agent, grant }: CallMembers): AuthServerEvent {
  const told = (member: string, value: unknown) => (typeof value === 'string' ? { [member]: value.slice(0, 300) } : {})
  return { type: 'admin_read', call, ...told('user', sub ?? user), ...told('agent', agent), ...told('grant', grant) }
}

async function inviteUser({ user }: CallMembers, { report }: AdminCaller, context: AdminContext): Promise<unknown> {
  const { issuer, store, now } = context
  const sub = typeof user === 'string' && user !== '' ? user : undefined
  return makeInvitation(store, { issuer, sub, first: false, now: now(), record: report.within })
}

async function testPolicy(members: CallMembers, _: AdminCaller, context: AdminContext): Promise<PolicyVerdict> {
  const { agent = '', delegate = '', resource = '', scope = '', user = '' } = members as Record<string, string>
  for (const id of [agent, resource])
    if (!isIdentifier(id, { development: context.development }))
      throw new TypeError('agent and resource are identifiers, such as https://agent.example')
  const principal = { agent, ...(delegate === '' ? {} : { delegate }) }
  const request = policyRequest(principal, {
    resource,
    scope: parseScope(scope.trim().replaceAll(/ +/g, ' ')),
    purpose: undefined,
    user: user === '' ? undefined : user,
  })
  try {
    await context.blocks.check({ agents: [principal], user: request.user })
  } catch (error) {
    if (!(error instanceof AAuthError) || error.status >= 500) throw error
    return { decision: 'deny', by: ['a block, or deny'], reason: error.reason }
  }
  return tryPolicy(request, context)
}

function signOut(_: CallMembers, { key }: AdminCaller, context: AdminContext): Promise<unknown> {
  return endAdminKey(context, key)
}
