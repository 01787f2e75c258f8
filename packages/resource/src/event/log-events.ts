import { type LogLimit, logLimit } from '@countersign/protocol'
import { causeFacts, checkOptions, errorFields } from '@countersign/protocol/internal'
import type { AAuth } from '../guard/aauth.js'
import type { Observer, ResourceEvent } from '../guard/event.js'

/** A logger such as pino's. */
export interface EventLogger {
  info(fields: object, message: string): unknown
  warn(fields: object, message: string): unknown
}

/**
 * Writes one record for each event, for `onEvent` of a resource: `logTo(pino())`. What strangers sent stays out, as in
 * {@link recordOf}. Of refusals, which strangers can make at will, it writes 60 a minute of each code, and then one record,
 * `lines left out`, that says how many more there were; every other event is always written.
 * @param options.limit another limit, or one that is shared with other writers to the same log
 */
export function logTo(logger: EventLogger, options: { readonly limit?: LogLimit } = {}): Observer {
  checkOptions('logTo', options, { limit: 'object' })
  const { limit = logLimit(logger) } = options
  return event => {
    const write = (): void => void logger.info(Object.assign({ event: event.type }, recordOf(event)), event.type)
    limit.turn()
    if (event.type === 'refused') limit.write(`${kindOf(event)} ${event.error.code}`, write)
    else write()
  }
}

/** A resource that only observes logs many refusals: they must not use up the lines of real ones. */
function kindOf({ observed }: ResourceEvent): 'observed' | 'anyway' | 'refused' {
  if (observed === undefined) return 'refused'
  return observed ? 'observed' : 'anyway'
}

/**
 * An event as flat data for a log: only what was verified, or is the resource's own, and as `claimed` the identifier of the agent
 * that a request which did not verify claims to be from; of clocks that differ by how much (`skew`), and of a document that could not
 * be fetched its `url` and `why`. Of a failure of the resource itself its
 * kind and place, with quotations left out.
 */
export function recordOf(event: ResourceEvent): Record<string, unknown> {
  switch (event.type) {
    case 'passed':
      return Object.assign(callerOf(event.aauth), placeOf(event))
    case 'refused': {
      const { code, reason, status, description, cause } = event.error
      const bug = status === 500 ? { cause: errorFields(cause) } : {}
      const caller = event.aauth === undefined ? event.asking : callerOf(event.aauth)
      const facts = { ...causeFacts(cause), ask: event.ask, claimed: event.claimed }
      return { code, reason, status, description, ...facts, ...bug, ...caller, ...placeOf(event) }
    }
    default: {
      const { type: _, ...told } = event
      return told
    }
  }
}

/** Which request of which route of which resource it was about, and whether anything came of the decision. */
function placeOf({ resource, route, observed, request_id }: ResourceEvent): Record<string, unknown> {
  return { resource, route, observed, request_id }
}

function callerOf({ level, bot, agent, delegate, user, scope, issuer, txn, key }: AAuth): Record<string, unknown> {
  // Not `level`: that is how urgent the record itself is.
  const record = { aauth_level: level, bot, agent, delegate, issuer, scope, txn, key }
  return user === undefined ? record : { ...record, user: { iss: user.iss, sub: user.sub } }
}
