import type { OperationName, ScalingConstants } from './constants.js'
import { eventQueue } from './event-queue.js'
import { coresOf, type Deployment, type Rates, type StationName, stations, sumOf, units, visitsOf } from './model.js'

/** What a simulation has seen. */
export interface Seen {
  /** The part of each kind of unit that worked, of the time in which requests came. */
  readonly busy: Readonly<Record<StationName, number>>
  /** Mean seconds of an operation. */
  readonly seconds: Readonly<Record<'guarded' | 'refresh', number>>
}

/** One unit: a queue before its processors. */
interface Unit {
  free: number
  /** Short where units are not overloaded. */
  readonly queue: Job[]
}

/** A request on its way. */
interface Job {
  readonly name: OperationName
  readonly began: number
  /** The stations that are left, the next one last. */
  readonly left: Array<readonly [station: StationName, seconds: number]>
}

interface World {
  readonly units: Readonly<Record<StationName, readonly Unit[]>>
  readonly work: Record<StationName, number>
  readonly ended: Record<OperationName, { count: number; seconds: number }>
  readonly random: () => number
  readonly events: ReturnType<typeof eventQueue>
}

/**
 * Plays so many requests one by one: they come at random, each passes its servers in order and waits where others are before it.
 * @param o.seed the same seed plays the same requests
 */
export function simulate(
  { rates, deployment }: { readonly rates: Rates; readonly deployment: Deployment },
  constants: ScalingConstants,
  o: { readonly requests: number; readonly seed: number },
): Seen {
  const world = worldOf(deployment, randomOf(o.seed))
  const all = Object.entries(rates) as Array<[OperationName, number]>
  const total = sumOf(all, ([, rate]) => rate)
  let last = 0
  const arrive = (left: number): void => {
    last = world.events.now()
    if (left === 0) return
    world.events.after(exponential(world.random, 1 / total), () => {
      begin(world, chosen(all, world.random() * total), constants)
      arrive(left - 1)
    })
  }
  arrive(o.requests)
  world.events.run()
  const mean = (name: OperationName): number => world.ended[name].seconds / world.ended[name].count
  const busy = Object.fromEntries(
    stations.map(station => [station, world.work[station] / (last * deployment[station] * coresOf(station))]),
  ) as Record<StationName, number>
  return { busy, seconds: { guarded: mean('guarded'), refresh: mean('refresh') } }
}

function worldOf(deployment: Deployment, random: () => number): World {
  const make = (station: StationName): Unit[] =>
    Array.from({ length: deployment[station] }, () => ({ free: coresOf(station), queue: [] }))
  const none = () => ({ count: 0, seconds: 0 })
  return {
    units: { resource: make('resource'), issuer: make('issuer'), database: make('database'), redis: make('redis') },
    work: { resource: 0, issuer: 0, database: 0, redis: 0 },
    ended: { guarded: none(), direct: none(), refresh: none(), revoke: none(), renewal: none() },
    random,
    events: eventQueue(),
  }
}

/** Starts a request: first its server, then Redis, then each statement. */
function begin(world: World, name: OperationName, constants: ScalingConstants): void {
  const visits = visitsOf(name, constants)
  const order = stations.flatMap((station): Array<readonly [StationName, number]> => {
    const { count, seconds } = visits[station]
    // A share of a visit: some requests make it, and others do not.
    const times = Number.isInteger(count) ? count : world.random() < count ? 1 : 0
    return Array.from({ length: times }, () => [station, seconds])
  })
  advance(world, { name, began: world.events.now(), left: order.toReversed() })
}

function advance(world: World, job: Job): void {
  const next = job.left.at(-1)
  if (next === undefined) {
    const ended = world.ended[job.name]
    ended.count += 1
    ended.seconds += world.events.now() - job.began
    return
  }
  const all = world.units[next[0]]
  const unit = all[Math.floor(world.random() * all.length)]
  if (unit === undefined) throw new RangeError('there is no such unit')
  if (unit.free > 0) serve(world, unit, job)
  else unit.queue.push(job)
}

function serve(world: World, unit: Unit, job: Job): void {
  const [station, mean] = job.left.pop() ?? ['resource', 0]
  const seconds = exponential(world.random, mean)
  unit.free -= 1
  world.work[station] += seconds
  const away = station === 'database' || station === 'redis' ? units.roundTrip : 0
  world.events.after(seconds, () => {
    unit.free += 1
    const next = unit.queue.shift()
    if (next !== undefined) serve(world, unit, next)
    if (away === 0) advance(world, job)
    else world.events.after(away, () => advance(world, job))
  })
}

function chosen(all: ReadonlyArray<readonly [OperationName, number]>, at: number): OperationName {
  let sum = 0
  for (const [name, rate] of all) {
    sum += rate
    if (at < sum) return name
  }
  return 'guarded'
}

const exponential = (random: () => number, mean: number): number => -Math.log(1 - random()) * mean

/** Random numbers from 0 to 1 that a seed determines (mulberry32). */
function randomOf(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}
