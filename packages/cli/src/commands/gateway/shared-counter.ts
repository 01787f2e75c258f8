import { errorFields } from '@countersign/protocol'
import type { Counter } from '@countersign/resource'
import type { Logger } from '@countersign/server'
import { reaching } from '../../server/away.js'

/** What the instances of one gateway count with together; without `counter` each counts for itself, in memory. */
export async function sharedCounter(
  settings: { readonly id: string; readonly counter?: string | undefined },
  log: Logger,
): Promise<{ counter?: Counter }> {
  if (settings.counter === undefined) return {}
  const { redisCounter } = await import('@countersign/resource/redis')
  const opening = redisCounter({
    url: settings.counter,
    prefix: `countersign:count:${settings.id}`,
    onChange: (counting, cause) =>
      counting === 'local'
        ? log.warn({ event: 'counting', counting, cause: errorFields(cause) }, 'limits are counted here alone')
        : log.info({ event: 'counting', counting }, 'limits are counted together again'),
  })
  return { counter: await reaching('--counter', settings.counter, opening) }
}
