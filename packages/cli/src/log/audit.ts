import type { AgentServerEvent } from '@countersign/agent-server'
import type { AuthServerEvent } from '@countersign/auth-server'
import type { DiscoveryEvent } from '@countersign/discovery'
import type { LogLimit } from '@countersign/protocol'
import { boundedMap, causeFacts } from '@countersign/protocol/internal'
import { logTo, type ResourceEvent } from '@countersign/resource'
import type { Logger } from '@countersign/server'

/** Seconds in which a second alarm about the same subject counts as a repetition. */
const sameAlarm = 60
/** Most subjects that are remembered. */
const mostAlarms = 1000

/**
 * Writes one record for each decision of a participant. Strangers can cause any number of refusals, failed sign-ins, alarms and
 * revocations of nothing, so `limit` bounds their records, each kind for itself; all other decisions are always written.
 * A record has only verified fields and our own. What a stranger sent (the `cause` of a refusal) stays out, except the kind and place
 * of a fault in this process.
 */
export function audit(
  log: Logger,
  limit: LogLimit,
  now: () => number = () => Date.now() / 1000,
): (event: AuthServerEvent | AgentServerEvent | ResourceEvent) => void {
  // bound: 1000 alarms; bytes: 1000 × a name; grown by a stranger; shared: by use; filled by
  // bounded-collections-fills.test.ts "a bounded map"
  const alarms = boundedMap<string, number>(mostAlarms)
  // One delegate can cause any number of alarms about itself: they must not use up the lines of alarms about others.
  const alarmKind = (about: string): string => {
    const at = alarms.get(about)
    if (at !== undefined && Math.abs(now() - at) < sameAlarm) return 'alarm again'
    alarms.set(about, now())
    return 'alarm'
  }
  const ofResource = logTo(log, { limit })
  return event => {
    limit.turn()
    switch (event.type) {
      case 'passed':
      case 'interaction':
      case 'resource_token':
        return ofResource(event)
      case 'refused':
        if ('error' in event) return ofResource(event)
        return limit.write(`refused ${event.code}`, () =>
          log.info({ event: 'refused', ...refusalFields(event) }, 'refused'),
        )
      case 'sign_in_failed': {
        const { cause: _, type, ...fields } = event
        return limit.write(`${type} ${fields.code}`, () => log.info({ event: type, ...fields }, type))
      }
      case 'admin_refused':
        return limit.write(`${event.type} ${event.reason}`, () =>
          log.warn({ ...event, event: event.type, type: undefined }, 'the admin page refused a request'),
        )
      case 'alarm':
        return limit.write(alarmKind(alarmSubject(event)), () =>
          log.warn({ ...event, ...alarmCause(event), event: 'alarm', type: undefined }, 'alarm'),
        )
      case 'revoked':
        // Nothing was revoked: any caller with an identity can cause such records by wrong tokens.
        if ('found' in event && !event.found)
          return limit.write('revoked nothing', () =>
            log.info({ ...event, event: 'revoked', type: undefined }, 'revoked'),
          )
        return log.info({ ...event, event: 'revoked', type: undefined }, 'revoked')
      default:
        return log.info({ ...event, event: event.type, type: undefined }, event.type)
    }
  }
}

/** Leaves out requests that passed, except for the report on a gateway that only observes. */
export function withoutPassed(tell: (event: ResourceEvent) => void): (event: ResourceEvent) => void {
  return event => {
    if (event.type !== 'passed' || event.observed !== undefined) tell(event)
  }
}

/** Writes the alarms of discovery: participants whose published documents have become invalid. Strangers can cause them. */
export function discoveryAlarms(log: Logger, limit: LogLimit): (event: DiscoveryEvent) => void {
  return event => {
    if (event.type !== 'alarm') return
    const { type, ...fields } = event
    limit.write('discovery alarm', () =>
      log.warn({ event: type, ...fields }, 'a participant publishes an invalid document'),
    )
  }
}

type Alarm = Extract<AuthServerEvent | AgentServerEvent, { type: 'alarm' }>

/** The kind and place of a fault, in place of the fault itself. */
function alarmCause(event: Alarm): Record<string, unknown> {
  return 'cause' in event ? { cause: undefined, ...causeFacts(event.cause) } : {}
}

/** The subject of an alarm: the epoch, the audit log, a delegate, an issuer, a grant or a request. */
function alarmSubject(event: Alarm): string {
  if (event.reason === 'epoch-lost') return 'epoch'
  if (event.reason === 'audit-failing' || event.reason === 'audit-changed') return event.reason
  if ('sub' in event) return `sub ${event.sub}`
  if ('issuer' in event) return `issuer ${event.issuer}`
  return 'grant' in event ? `grant ${event.grant}` : `request ${event.request}`
}

type Refused = Extract<AuthServerEvent | AgentServerEvent, { type: 'refused' }>

function refusalFields(event: Refused): Record<string, unknown> {
  const { code, reason, status, description, cause, peer, request_id } = event
  return { code, reason, status, description, ...causeFacts(cause), peer, ...subjectFields(event), request_id }
}

type RefusedAccess = Extract<AuthServerEvent, { type: 'refused' }>

/** The verified caller, the access that a policy denied, or the request of a page. */
function subjectFields(event: Refused): Record<string, unknown> {
  if ('sub' in event) return { sub: event.sub }
  const { agent, delegate, user, request, resource, scope, exchange, txn, resource_txn }: Partial<RefusedAccess> = event
  return { agent, delegate, user, request, resource, scope, exchange, txn, resource_txn }
}
