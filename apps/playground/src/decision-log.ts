import { logTo, type Observer } from '@countersign/resource'
import { jsonLog } from '@countersign/server'

/** Writes a line for each decision of a resource to standard error, as the servers of `countersign` do: `countersign trace` reads it. */
export function decisionLog(name: string): Observer {
  return logTo(jsonLog({ name }))
}
