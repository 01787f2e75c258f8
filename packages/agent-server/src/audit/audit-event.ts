import type { AuditEvent } from '@countersign/audit'
import { detailOf, type Share } from '@countersign/audit/internal'
import type { AgentServerEvent } from '../event.js'

/** What the audit log says of each type of event; undefined: it is not recorded. docs/audit.md has the same table. */
export const auditedTypes: Readonly<Record<AgentServerEvent['type'], string | undefined>> = {
  invited: 'an operator made an enrolment code',
  enrolled: 'a delegate enrolled, for the first time or again',
  rotated: 'a delegate changed its key',
  revoked: 'an operator ended a delegate',
  enrollment_revoked: 'an operator ended all delegates of an enrolment',
  reinstated: 'an operator let a revoked delegate enrol again',
  forgotten: 'an operator removed delegates that were not seen for long',
  delegation_set: 'an operator set what a delegate may be used for',
  key_made: 'the server made its next key',
  key_retired: 'a key left the JWK set',
  key_revoked: 'an operator ended a key',
  keys_changed: 'the server started with other keys than before',
  alarm: 'a replaced key of a delegate was used, or the mark of the database is not there',
  refused: 'a delegate was denied something',
  refusals_counted: 'how many refusals of a delegate, or of all others, were too many to be recorded one by one',
  started: 'an instance of the server started, with these keys',
  restored: 'a backup was made ready; events after it are lost',
  // An hourly one of each delegate would hide the others. `last_seen` of the delegate tells the last.
  renewed: undefined,
}

/** The names in the log that differ from those of events. They are kept: logs from before 0.2.0 have them, and a search must find both. */
export const recordedNames: Partial<Readonly<Record<AgentServerEvent['type'], string>>> = {
  enrollment_revoked: 'enrollment-revoked',
  delegation_set: 'delegation-set',
  key_made: 'key-made',
  key_retired: 'key-retired',
  key_revoked: 'key-revoked',
  keys_changed: 'keys-changed',
}

const details = [
  'added',
  'audit_key',
  'code',
  'codes',
  'delegates',
  'enrollment',
  'jkt',
  'keys',
  'kid',
  'previous_jkt',
  'published',
  'reason',
  'refusals',
  'removed',
  'request_id',
  'signs',
  'since',
  'status',
  'unseen_since',
] as const

/** The members that any event may have. */
interface Members extends Partial<Record<(typeof details)[number], unknown>> {
  readonly sub?: string
}

/** The event of the audit log for an event of the server, undefined where it is not recorded: never a token, code, secret or free text. */
export function auditEventOf(event: AgentServerEvent): AuditEvent | undefined {
  const { type } = event
  // What an issuer publishes is no decision, and a fault of the log cannot be recorded in it.
  if (auditedTypes[type] === undefined) return undefined
  if (type === 'alarm' && ['issuer-garbage', 'audit-failing', 'audit-changed'].includes(event.reason)) return undefined
  const members = event as Members
  const name = recordedNames[type] ?? type
  return {
    type: name,
    ...(members.sub === undefined ? {} : { delegate: members.sub }),
    detail: detailOf(members, details),
  }
}

/** Refusals that deny something to a delegate. */
const denials: ReadonlySet<string> = new Set(['invalid_agent_token', 'invalid_grant', 'access_denied', 'policy_denied'])

/** In whose share of the log an event counts that changes nothing; undefined: it is not recorded. Strangers never make the log grow. */
export function shareOf(event: AgentServerEvent): Share | undefined {
  if (event.type === 'refused')
    return event.sub !== undefined && denials.has(event.code) ? { delegate: event.sub } : undefined
  return 'sub' in event ? { delegate: event.sub } : undefined
}
