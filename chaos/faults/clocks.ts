import type { ProcessFaults } from '../rig/process-faults.js'
import { databaseWays, type Instance, instancesOf, type Rig, redisWays } from '../rig/rig.js'
import type { Fault } from './fault.js'

// Clocks that jump, and names that lead nowhere. Both are told to a process by a module that is loaded before its own code.

const minutes = 5

const jumps = (name: string, choose: (rig: Rig) => Instance, sign: 1 | -1): Fault => ({
  name: `clock-${sign > 0 ? 'ahead' : 'behind'}-${name}`,
  what: `the clock of one instance of ${name} jumps ${minutes} minutes ${sign > 0 ? 'ahead' : 'back'}`,
  silent: false,
  takes: [`process ${name}`],
  of: 'clock',
  async apply(rig) {
    const { server } = choose(rig)
    const offset = sign * minutes * 60_000
    const move = (milliseconds: number): void => {
      server.fault({ clock: milliseconds })
      rig.history.add({ type: 'clock', at: Date.now(), instance: server.name, offset: milliseconds })
    }
    move(offset)
    return {
      heal: async () => move(0),
      measure: async () => ({
        measured: Math.round(Math.abs(server.clockOff()) / 1000),
        atLeast: minutes * 60 - 5,
        unit: 's off, as the process sees it',
      }),
    }
  },
})

const names = (kind: NonNullable<ProcessFaults['dns']>, what: string, silent: boolean): Fault => ({
  name: `dns-${kind}`,
  what,
  silent,
  takes: ['names'],
  ...(kind === 'lying' && { of: 'loss' }),
  redis: 'single',
  async apply(rig) {
    const all = instancesOf(rig)
    const tell = (dns: NonNullable<ProcessFaults['dns']>): void => {
      for (const { server } of all) server.fault({ dns })
    }
    tell(kind)
    // What is connected asks for no name. A name is asked for again when a connection is lost.
    await new Promise(resolve => setTimeout(resolve, 400))
    for (const way of [...redisWays(rig), ...databaseWays(rig)]) way.cutAll()
    const opened = (): number =>
      [...redisWays(rig), ...databaseWays(rig)].reduce((sum, { counts }) => sum + counts.opened, 0)
    const before = opened()
    const begin = Date.now()
    if (kind === 'lying') rig.history.add({ type: 'loss', at: begin, of: 'counters' })
    return {
      async heal() {
        tell('right')
        if (kind !== 'lying') return
        // Back from the impostor: its connections are good, and lead to the wrong place.
        await new Promise(resolve => setTimeout(resolve, 400))
        for (const way of rig.lies) way.cutAll()
        rig.history.add({ type: 'loss', at: Date.now(), of: 'counters' })
      },
      async measure() {
        if (kind === 'lying')
          return {
            measured: rig.lies.reduce((sum, { counts }) => sum + counts.opened, 0),
            atLeast: 1,
            unit: 'connections to the impostor',
          }
        return {
          measured: opened() - before === 0 ? Date.now() - begin : 0,
          atLeast: 1000,
          unit: 'ms in which no name led anywhere',
        }
      },
    }
  },
})

/** Faults of clocks and names. */
export const clockFaults: readonly Fault[] = [
  ...([1, -1] as const).flatMap(sign => [
    jumps('auth', ({ auth, random }) => random.one(auth), sign),
    jumps('agents', ({ agents, random }) => random.one(agents), sign),
    jumps('gateway', ({ gateways, random }) => random.one(gateways), sign),
  ]),
  names('slow', 'names of PostgreSQL and Redis are answered after 8 s, when all connections were lost', false),
  names('missing', 'names of PostgreSQL and Redis do not exist, when all connections were lost', false),
  names(
    'lying',
    'the name of Redis leads to another Redis, and that of PostgreSQL to nothing, when all connections were lost',
    false,
  ),
]
