import { setTimeout as sleep } from 'node:timers/promises'
import type { Random } from '../random.js'
import { approval } from './approval.js'
import { consent, device } from './consent.js'
import { counted, direct, limited, replay } from './direct.js'
import { enrol } from './enrol.js'
import { exchange } from './exchange.js'
import { refresh } from './refresh.js'
import { revoke, useEnded } from './revoke.js'
import { Stopped } from './step.js'
import type { Client, ClientWorld } from './world.js'

/** What a client does, and how often beside the others. */
export const flows: ReadonlyArray<{
  readonly name: string
  readonly weight: number
  readonly run: (client: Client) => Promise<void>
}> = [
  { name: 'enrol', weight: 1, run: enrolAnew },
  { name: 'direct', weight: 4, run: direct },
  { name: 'consent', weight: 3, run: consent },
  { name: 'device', weight: 2, run: device },
  { name: 'approval', weight: 2, run: approval },
  { name: 'exchange', weight: 2, run: exchange },
  { name: 'refresh', weight: 4, run: refresh },
  { name: 'revoke', weight: 2, run: revoke },
  { name: 'counted', weight: 1, run: counted },
  { name: 'limited', weight: 2, run: limited },
]

/** What a client does beside its flows: of these nothing must work. */
const attacks: ReadonlyArray<(client: Client) => Promise<void>> = [replay, useEnded, useEnded]

/** Clients that are at work until they are told to stop. */
export interface Load {
  readonly clients: readonly Client[]
  /** Resolves when every client has ended what it was at. */
  stop(): Promise<void>
}

/** How much load. */
export interface LoadOptions {
  readonly clients: number
  readonly users: readonly string[]
  /** Milliseconds between two flows of a client. */
  readonly pause: number
  readonly random: Random
}

/** Starts clients. Each has users of its own, does one thing at a time, and remembers what it was told. */
export function startLoad(world: ClientWorld, o: LoadOptions): Load {
  let stopping = false
  const clients = Array.from({ length: o.clients }, (_, index) => {
    const users = o.users.filter((_user, at) => at % o.clients === index)
    return newClient(world, { name: `c${index + 1}`, users, random: o.random })
  })
  const work = async (client: Client): Promise<void> => {
    let turn: string[] = []
    while (!stopping) {
      if (turn.length === 0)
        turn = client.random.shuffled(flows.flatMap(({ name, weight }) => Array.from({ length: weight }, () => name)))
      const isFull = client.delegate === undefined || client.held.length >= mostHeld
      const name = isFull ? 'enrol' : turn.pop()
      const flow = flows.find(each => each.name === name)
      if (flow !== undefined) await step(client, flow)
      if (!stopping && client.delegate !== undefined) await client.random.one(attacks)(client)
      await sleep(o.pause * (0.5 + client.random.next()))
    }
  }
  const working = Promise.all(clients.map(work))
  return {
    clients,
    async stop() {
      stopping = true
      await working
    },
  }
}

/** A client that has done nothing yet. */
export function newClient(
  world: ClientWorld,
  { name, users, random }: { readonly name: string; readonly users: readonly string[]; readonly random: Random },
): Client {
  const lists = { held: [], former: [], ended: [], captured: [] }
  return { name, users, random: random.branch(name), world, delegate: undefined, ...lists, attempts: 0 }
}

/** Runs one flow and writes down whether it worked. */
export async function step(client: Client, { name, run }: (typeof flows)[number]): Promise<boolean> {
  const begin = Date.now()
  let why: string | undefined
  try {
    await run(client)
  } catch (error) {
    if (!(error instanceof Stopped)) throw error
    why = error.message
  }
  const works = why === undefined
  client.world.history.add({ type: 'step', client: client.name, flow: name, works, begin, end: Date.now(), why })
  return works
}

/** Grants that an auth server keeps of one delegate and user are 100; one more would end another. */
const mostHeld = 60

/** Whether a client keeps its delegate: its token does not end soon, and it holds fewer grants than an auth server keeps of one. */
const keepsDelegate = ({ held, delegate }: Client): boolean =>
  delegate !== undefined && delegate.expires > Date.now() + 600_000 && held.length < mostHeld

/** Enrols a delegate, unless the client keeps the one that it has. */
export async function ensureDelegate(client: Client): Promise<void> {
  if (!keepsDelegate(client)) await replaceDelegate(client)
}

/** Enrols a delegate, which a client that keeps another one does not use. */
async function enrolAnew(client: Client): Promise<void> {
  const { delegate } = client
  if (!keepsDelegate(client)) return replaceDelegate(client)
  await enrol(client)
  client.delegate = delegate
}

async function replaceDelegate(client: Client): Promise<void> {
  await enrol(client)
  client.former.push(...client.held)
  client.held = []
}
