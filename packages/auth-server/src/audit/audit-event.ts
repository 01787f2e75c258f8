import type { AuditEvent } from '@countersign/audit'
import type { Share } from '@countersign/audit/internal'
import { detailOf } from '@countersign/audit/internal'
import type { AuthServerEvent, ExchangeFacts } from '../event/event.js'

/** What the audit log says of each type of event; undefined: it is not recorded. docs/audit.md has the same table. */
export const auditedTypes: Readonly<Record<AuthServerEvent['type'], string | undefined>> = {
  granted: 'an agent got a token: by policy, by the code of a user, or by exchange',
  refreshed: 'an agent got another token of its grant',
  repeated: 'the answer to a code was fetched again within a minute',
  refused: 'a verified caller, or a user who is signed in, was denied something',
  refusals_counted: 'how many refusals of a caller, or of all others, were too many to be recorded one by one',
  consented: 'a user allowed something, now or earlier; a code waits for the agent',
  declined: 'a user said no',
  revoked: 'an agent ended a grant, had none to end, or the server ended one of too many',
  alarm: 'a code was used twice and what it gave has ended, or the mark of the database is not there',
  notice: 'a resource was told that a grant has ended, or cannot be told',
  taken_back: 'a user took access back',
  narrowed: 'a user added conditions to what they had allowed',
  approvals_stopped: 'a user told an agent to stop asking',
  approvals_allowed: 'a user lets an agent ask again',
  inbox_turned: 'a user turned the inbox on or off',
  linked: 'a user of another auth server was linked to a user here',
  link_refused: 'two users were not linked',
  blocked: 'an operator blocked an agent, a delegate, a site or a user',
  unblocked: 'an operator lifted a block',
  ended_by_operator: 'an operator ended grants',
  invited: 'an operator made a link for a new account, or for a user who has lost all passkeys',
  admin_invited: 'a link for a browser of an admin was made',
  admin_enrolled: 'a browser signed in at the admin page',
  admin_signed_out: 'a browser signed out of the admin page',
  admin_removed: 'an admin was signed out in all browsers, and their links ended',
  admin_read: 'an admin looked at users, grants, agents or this log, or tried the policy',
  signed_in: 'a user signed in',
  signed_out: 'a user signed out',
  passkey_added: 'a user added a passkey',
  passkey_removed: 'a user removed a passkey',
  passkey_copied: 'a passkey was refused because its counter went back',
  provider_linked: 'a user added an account at a provider',
  provider_unlinked: 'a user removed an account at a provider',
  account_created: 'a user made an account',
  account_recovered: 'a user came back by a link of the operator',
  account_deleted: 'a user deleted their account',
  started: 'an instance of the server started, with these keys',
  keys_changed: 'the server started with other keys than before',
  restored: 'a backup was made ready; events after it are lost',
  key_made: 'the next signing key was made, by the rotation or an operator',
  key_retired: 'a signing key is no longer published',
  key_revoked: 'an operator revoked a signing key',
  // A request that nobody has decided. The answer is recorded with all that was asked.
  requested: undefined,
  // Strangers, who would fill the log.
  sign_in_failed: undefined,
  admin_refused: undefined,
}

/** The members that stand in `detail`. */
const details = [
  'added',
  'admin',
  'admins',
  'approval',
  'audit_key',
  'by',
  'call',
  'code',
  'conditions',
  'consents',
  'decision',
  'flow',
  'found',
  'grants',
  'invitations',
  'jti',
  'key',
  'keys',
  'kid',
  'kind',
  'on',
  'operation',
  'outcome',
  'provider',
  'published',
  'reason',
  'refusals',
  'removed',
  'request',
  'request_id',
  'requests',
  'resource_txn',
  'scope',
  'sessions',
  'signs',
  'since',
  'site',
  'status',
] as const

/** The most characters of the scopes that a refusal is about: its agent chose them, and nobody has agreed. */
const mostScope = 1024

/** The members that any event may have. */
interface Members
  extends Partial<Record<(typeof details)[number], unknown>>,
    Pick<AuditEvent, 'type' | 'agent' | 'delegate' | 'resource' | 'txn' | 'grant' | 'user'> {
  readonly sub?: string
  readonly exchange?: ExchangeFacts
  readonly upstream?: { readonly iss: string; readonly sub?: string }
}

/** The event of the audit log for an event of the server, undefined where it is not recorded: never a token, code, secret, address or free text. */
export function auditEventOf(event: AuthServerEvent): AuditEvent | undefined {
  if (auditedTypes[event.type] === undefined) return undefined
  const members = event as Members
  const { type, agent, delegate, resource, txn, grant, user = members.sub, exchange, upstream } = members
  const detail = detailOf(members, details)
  if (type === 'refused' && members.scope !== undefined) detail['scope'] = shortened(members.scope as readonly string[])
  if (exchange !== undefined)
    detail['exchange'] = { issuer: exchange.issuer, chain: exchange.chain.map(hop => ({ ...hop })) }
  if (upstream !== undefined) detail['upstream'] = upstream.iss
  const there = exchange?.sub ?? upstream?.sub
  return {
    type,
    ...(agent === undefined ? {} : { agent }),
    ...(delegate === undefined ? {} : { delegate }),
    ...(resource === undefined ? {} : { resource }),
    ...(txn === undefined ? {} : { txn }),
    ...(grant === undefined ? {} : { grant }),
    ...(user === undefined ? {} : { user }),
    // Only with the user here, with whom it is forgotten.
    ...(user === undefined || there === undefined ? {} : { personal: { upstream_user: there } }),
    detail,
  }
}

function shortened(scope: readonly string[]): readonly string[] {
  let length = 0
  return scope.filter(name => {
    length += name.length + 1
    return length <= mostScope
  })
}

/** Refusals that deny something. Others are faults of a request, or say that it must wait. */
const denials: ReadonlySet<string> = new Set([
  'access_denied',
  'invalid_grant',
  'invalid_scope',
  'invalid_resource_token',
  'invalid_auth_token',
  'unauthorized_client',
  'untrusted_issuer',
  'insufficient_scope',
  'policy_denied',
  'insufficient_level',
])

/**
 * In whose share of the log an event counts that changes nothing; undefined: it is not recorded. Strangers who are not verified never
 * make the log grow.
 */
export function shareOf(event: AuthServerEvent): Share | undefined {
  if (event.type !== 'refused') {
    const { agent, user } = event as { readonly agent?: string; readonly user?: string }
    if (agent !== undefined) return { agent }
    return user === undefined ? undefined : { user }
  }
  // The user's own no is recorded as `declined`; that its agent hears of it is no second decision.
  if (!denials.has(event.code) || event.reason === 'user_refused') return undefined
  // Of a page, whose agent did not send the request.
  if (event.user !== undefined && event.request !== undefined) return { user: event.user }
  return event.agent === undefined || event.request !== undefined ? undefined : { agent: event.agent }
}
