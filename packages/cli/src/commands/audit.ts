import type { AgentServerEvent } from '@countersign/agent-server'
import type { AuthServerEvent } from '@countersign/auth-server'
import type { ResourceEvent } from '@countersign/resource'
import { errorFields, type Logger } from '@countersign/server'

/**
 * Writes one record for each decision of a participant.
 * Only fields that were verified or are ours go in; what a stranger sent (the `cause` of a refusal) stays out, but for the kind
 * and place of what went wrong here.
 */
export function audit(log: Logger): (event: AuthServerEvent | AgentServerEvent | ResourceEvent) => void {
  return event => {
    switch (event.type) {
      case 'passed':
        return log.info({ event: 'passed', ...callerOf(event.aauth) }, 'passed')
      case 'refused':
        return log.info({ event: 'refused', ...refusalOf(event) }, 'refused')
      case 'alarm':
        return log.warn({ ...event, event: 'alarm', type: undefined }, 'alarm')
      default:
        return log.info({ ...event, event: event.type, type: undefined }, event.type)
    }
  }
}

type Refused = Extract<AuthServerEvent | AgentServerEvent | ResourceEvent, { type: 'refused' }>

function refusalOf(event: Refused): Record<string, unknown> {
  if ('error' in event) {
    const { code, status, description } = event.error
    const bug = status === 500 ? { cause: errorFields(event.error.cause) } : {}
    return { code, status, description, ...bug, ...(event.aauth === undefined ? {} : callerOf(event.aauth)) }
  }
  const { code, status, description, peer } = event
  return {
    code,
    status,
    description,
    peer,
    ...('agent' in event ? { agent: event.agent, delegate: event.delegate } : {}),
    ...('exchange' in event ? { exchange: event.exchange } : {}),
  }
}

function callerOf(aauth: Extract<ResourceEvent, { type: 'passed' }>['aauth']): Record<string, unknown> {
  const { level, agent, delegate, user, scope, issuer, key } = aauth
  return {
    // Not `level`: that is how urgent the record itself is.
    aauth_level: level,
    agent,
    delegate,
    issuer,
    scope,
    key,
    ...(user === undefined ? {} : { user: { iss: user.iss, sub: user.sub } }),
  }
}
