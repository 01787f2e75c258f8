import type { Way } from '../rig/proxy.js'
import { databaseWays, redisWays } from '../rig/rig.js'
import { type Fault, growing } from './fault.js'

const sum = (ways: readonly Way[], of: keyof Way['counts']): number =>
  ways.reduce((total, { counts }) => total + counts[of], 0)

/** A fault of the ways to a store. */
export const ofWays = (
  store: 'postgres' | 'redis',
  o: {
    readonly name: string
    readonly what: string
    readonly weather: Way['weather']
    readonly cuts?: boolean
    readonly one?: boolean
    readonly counted: keyof Way['counts']
  },
): Fault => ({
  name: `${store}-${o.name}`,
  what: o.what,
  silent: false,
  // Without a name there is no connection that could be slow or silent; and of a gateway that is gone, none that could be cut off.
  takes: [store, 'names', ...(o.one === true ? ['process gateway'] : [])],
  ...(store === 'redis' ? { redis: 'single' } : {}),
  async apply(rig) {
    const all = store === 'postgres' ? databaseWays(rig) : redisWays(rig)
    const ways = o.one === true ? rig.gateways.slice(0, 1).flatMap(({ redis }) => redis ?? []) : all
    const measure = growing(() => sum(ways, o.counted), `${o.counted} on the ways to ${store}`)
    for (const way of ways) {
      way.weather = o.weather
      if (o.cuts === true) way.cutAll()
    }
    return {
      measure,
      async heal() {
        for (const way of ways) {
          way.weather = {}
          // What was thrown away is missing in what comes next: such a connection is worth nothing.
          if (o.weather.silent !== undefined) way.cutAll()
        }
      },
    }
  },
})
