import { logTo, type Observer } from '@countersign/resource'
import { jsonLog } from '@countersign/server'

/** Writes one line for each decision of a resource to standard error, for `countersign trace`. */
export function decisionLog(name: string): Observer {
  return logTo(jsonLog({ name }))
}
