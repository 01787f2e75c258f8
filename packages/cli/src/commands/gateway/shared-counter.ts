import { errorFields } from '@countersign/protocol/internal'
import type { Counter } from '@countersign/resource'
import type { Logger } from '@countersign/server'
import { reaching } from '../../server/away.js'
import type { Opened } from '../../server/closing-on-failure.js'

/** The counter that the instances of one gateway share; without `counter` each instance counts in its own memory. */
export async function sharedCounter(
  settings: { readonly id: string; readonly counter?: string | undefined },
  log: Logger,
  opened: Opened,
): Promise<{ counter?: Counter }> {
  if (settings.counter === undefined) return {}
  const { redisCounter } = await import('@countersign/redis/resource')
  const opening = redisCounter({
    url: settings.counter,
    prefix: `countersign:count:${settings.id}`,
    onChange: (counting, cause) =>
      counting === 'local'
        ? log.warn(
            { event: 'counting', counting, cause: errorFields(cause) },
            'limits are counted by this instance alone',
          )
        : log.info({ event: 'counting', counting }, 'limits are counted by all instances together again'),
  })
  return { counter: opened(await reaching('--counter', settings.counter, opening)) }
}
