import { setTimeout as sleep } from 'node:timers/promises'
import type { Random } from '../random.js'
import { directGrant } from './direct.js'
import { ensureDelegate, flows, newClient, step } from './load.js'
import type { Client, ClientWorld } from './world.js'

/** Clients that find out from when on everything works: one for each flow. */
export interface Probes {
  readonly clients: readonly Client[]
  /** Runs every flow once, whether it works or not, so that a fault meets each. */
  once(): Promise<void>
  /** Runs flows until they work, by default all; the names of those that did not within the time, in milliseconds. */
  all(within: number, names?: readonly string[]): Promise<string[]>
}

/** Opens the probes. Each has a delegate of its own, and what its flow begins with. */
export async function openProbes(
  world: ClientWorld,
  o: { readonly users: readonly string[]; readonly random: Random },
): Promise<Probes> {
  // The probe of approvals has half of the users: each approves a bounded number of calls a day.
  const half = Math.floor(o.users.length / 2)
  const each = Math.floor(half / flows.length)
  const probes = flows.map((flow, index) => {
    const users = flow.name === 'approval' ? o.users.slice(half) : o.users.slice(each * index, each * (index + 1))
    return { flow, client: newClient(world, { name: `probe-${flow.name}`, users, random: o.random }) }
  })
  for (const { client } of probes) await ensureDelegate(client)
  return {
    clients: probes.map(({ client }) => client),
    async once() {
      await Promise.all(probes.map(run))
    },
    async all(within, names) {
      const until = Date.now() + within
      const found = await Promise.all(
        probes.map(async probe => {
          const { name } = probe.flow
          if (names?.includes(name) === false) return undefined
          while (Date.now() < until) {
            if (await run(probe)) return undefined
            await sleep(200)
          }
          return name
        }),
      )
      return found.filter(name => name !== undefined)
    },
  }
}

interface Probe {
  readonly flow: (typeof flows)[number]
  readonly client: Client
}

const run = ({ flow, client }: Probe): Promise<boolean> =>
  step(client, { ...flow, run: async () => prepared(client, flow) })

/** Every flow needs a delegate whose token does not end, a refresh a grant, and an end one that may go. */
async function prepared(client: Client, { name, run }: (typeof flows)[number]): Promise<void> {
  await ensureDelegate(client)
  const needed = { refresh: 1, revoke: 3 }[name] ?? 0
  while (client.held.length < needed) await directGrant(client, { route: '/events', scope: 'events.read', flow: name })
  await run(client)
}
