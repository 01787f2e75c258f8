import type { AgentServerEvent } from '@countersign/agent-server'
import type { AuthServerEvent } from '@countersign/auth-server'
import type { DiscoveryEvent } from '@countersign/discovery'
import { boundedMap, causeFacts, type LogLimit } from '@countersign/protocol'
import { logTo, type ResourceEvent } from '@countersign/resource'
import type { Logger } from '@countersign/server'

/** Seconds in which a second alarm about the same is one more of the first. */
const sameAlarm = 60
const mostAlarms = 1000

/**
 * Writes one record for each decision of a participant. Of refusals, failed sign-ins, alarms and revocations of what is
 * not there, which strangers can make at will, `limit` bounds the records, each kind for itself; every other decision is always written.
 * Only fields that were verified or are ours go in; what a stranger sent (the `cause` of a refusal) stays out, but for the kind
 * and place of what went wrong here.
 */
export function audit(
  log: Logger,
  limit: LogLimit,
  now: () => number = () => Date.now() / 1000,
): (event: AuthServerEvent | AgentServerEvent | ResourceEvent) => void {
  const told = boundedMap<string, number>(mostAlarms)
  /** One delegate can set off any number of alarms about itself: they must not use up the lines of those about others. */
  const alarmKind = (about: string): string => {
    const at = told.get(about)
    if (at !== undefined && Math.abs(now() - at) < sameAlarm) return 'alarm again'
    told.set(about, now())
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
          log.info({ event: 'refused', ...refusalOf(event) }, 'refused'),
        )
      case 'sign_in_failed': {
        const { cause: _, type, ...told } = event
        return limit.write(`${type} ${told.code}`, () => log.info({ event: type, ...told }, type))
      }
      case 'alarm':
        return limit.write(alarmKind(alarmed(event)), () =>
          log.warn({ ...event, event: 'alarm', type: undefined }, 'alarm'),
        )
      case 'revoked':
        // Nothing ended, and whoever has an identity can send another wrong token at once.
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

/** Writes the alarms of a discovery: participants whose published documents have turned to garbage. Strangers can make them. */
export function discoveryAlarms(log: Logger, limit: LogLimit): (event: DiscoveryEvent) => void {
  return event => {
    if (event.type !== 'alarm') return
    const { type, ...told } = event
    limit.write('discovery alarm', () => log.warn({ event: type, ...told }, 'a participant publishes garbage'))
  }
}

type Alarm = Extract<AuthServerEvent | AgentServerEvent, { type: 'alarm' }>

/** What an alarm is about: the epoch, a delegate, an issuer, a grant or a request. */
function alarmed(event: Alarm): string {
  if (event.reason === 'epoch-lost') return 'epoch'
  if ('sub' in event) return `sub ${event.sub}`
  if ('issuer' in event) return `issuer ${event.issuer}`
  return 'grant' in event ? `grant ${event.grant}` : `request ${event.request}`
}

type Refused = Extract<AuthServerEvent | AgentServerEvent, { type: 'refused' }>

function refusalOf(event: Refused): Record<string, unknown> {
  const { code, status, description, cause, peer, request_id } = event
  return { code, status, description, ...causeFacts(cause), peer, ...about(event), request_id }
}

type RefusedAccess = Extract<AuthServerEvent, { type: 'refused' }>

/** Who was verified, what policy denied, or what a page was about. */
function about(event: Refused): Record<string, unknown> {
  if ('sub' in event) return { sub: event.sub }
  const { agent, delegate, user, request, resource, scope, exchange, txn, resource_txn }: Partial<RefusedAccess> = event
  return { agent, delegate, user, request, resource, scope, exchange, txn, resource_txn }
}
