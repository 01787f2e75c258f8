import type { Way, Weather } from '../rig/proxy.js'
import type { Rig } from '../rig/rig.js'
import { type Fault, growing } from './fault.js'

// The network between clients, balancers and servers, and a provider that is away.

const frontWays = ({ fronts }: Rig): Way[] => [fronts.auth, fronts.agents, fronts.gateway]

const ofFronts = (o: {
  readonly name: string
  readonly what: string
  readonly weather: Weather
  readonly silent?: boolean
  readonly counted: keyof Way['counts']
  readonly ways?: (rig: Rig) => Way[]
}): Fault => ({
  name: o.name,
  what: o.what,
  silent: o.silent ?? false,
  takes: [o.name.startsWith('upstream') ? 'process partner' : 'network'],
  async apply(rig) {
    const ways = (o.ways ?? frontWays)(rig)
    for (const way of ways) way.weather = o.weather
    return {
      measure: growing(() => ways.reduce((total, { counts }) => total + counts[o.counted], 0), o.counted),
      async heal() {
        for (const way of ways) {
          way.weather = {}
          if (o.weather.silent !== undefined) way.cutAll()
        }
      },
    }
  },
})

/** Faults of the network. */
export const networkFaults: readonly Fault[] = [
  ofFronts({
    name: 'network-slow',
    what: 'everything between clients and servers takes 500 ms longer, each way',
    weather: { delay: 500 },
    counted: 'delayed',
  }),
  ofFronts({
    name: 'network-cut',
    what: 'half of all answers of the servers are lost with their connection: what was asked has happened',
    weather: { cut: 0.5 },
    counted: 'cut',
  }),
  ofFronts({
    name: 'network-drop',
    what: 'answers of the servers are lost, and nobody is told',
    weather: { silent: 'from' },
    silent: true,
    counted: 'dropped',
  }),
  ofFronts({
    name: 'network-refuses',
    what: 'the balancers refuse connections',
    weather: { refuses: true },
    counted: 'cut',
  }),
  ofFronts({
    name: 'upstream-away',
    what: 'the auth server of the other domain refuses connections',
    weather: { refuses: true },
    counted: 'cut',
    ways: ({ fronts }) => [fronts.partner],
  }),
  ofFronts({
    name: 'upstream-silent',
    what: 'the auth server of the other domain takes connections and answers nothing',
    weather: { silent: 'both' },
    silent: true,
    counted: 'dropped',
    ways: ({ fronts }) => [fronts.partner],
  }),
]
