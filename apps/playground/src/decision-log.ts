import type { Observer } from '@countersign/resource'
import { jsonLog } from '@countersign/server'

/** Writes a line for each decision of a resource to standard error, as the servers of `countersign` do: `countersign trace` reads it. */
export function decisionLog(name: string): Observer {
  const log = jsonLog({ name })
  return event => {
    switch (event.type) {
      case 'interaction':
      case 'resource_token': {
        const { type, ...facts } = event
        return log.info({ event: type, ...facts }, type)
      }
      default: {
        const { agent, delegate, scope, issuer, txn } = event.aauth ?? {}
        const error = event.type === 'refused' ? { code: event.error.code, status: event.error.status } : {}
        const asking = event.type === 'refused' ? event.asking : {}
        return log.info({ event: event.type, ...error, agent, delegate, scope, issuer, txn, ...asking }, event.type)
      }
    }
  }
}
