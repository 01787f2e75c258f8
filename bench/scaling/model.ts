import type { OperationCost, OperationName, ScalingConstants } from './constants.js'

/** What agents do: how many there are, and how often they call. */
export interface Demand {
  /** Delegates that are enrolled; each has one grant on average. */
  readonly delegates: number
  /** Requests to resources in a second. */
  readonly requests: number
}

/** The assumptions about callers. Seconds. */
export const habits = {
  /** Between two requests of a delegate that is active. */
  betweenRequests: 10,
  /** Between two refreshes: how long an auth token lives. */
  authToken: 600,
  /** Between two renewals: how long an agent token lives. */
  agentToken: 3600,
  /** Between two grants of an active delegate, and between two ends of one. */
  betweenGrants: 86_400,
  /** Of the requests to resources, those with effects, which are looked up among the replays. */
  unsafe: 0.3,
}

/** What one unit of each kind can take. */
export const units = {
  /** The part of a unit that is planned with: the rest is for peaks, and for the loss of one. */
  planned: 0.6,
  /** Processors of a PostgreSQL primary; a process of a server and a shard of Redis use one. */
  databaseCores: 16,
  /** Bytes of write-ahead log that a primary and its standby store in a second. */
  databaseLog: 150e6,
  /** Bytes of tables and indexes that one primary keeps well: backups and index builds end in hours. */
  databaseBytes: 2e12,
  /** Seconds of a round trip to PostgreSQL or Redis in one region, without the work there. */
  roundTrip: 0.0005,
}

/** How often each operation happens in a second. */
export type Rates = Readonly<Record<OperationName, number>>

/** The rates of a demand. */
export function ratesOf({ delegates, requests }: Demand): Rates {
  const active = Math.min(delegates, requests * habits.betweenRequests)
  return {
    guarded: requests,
    refresh: active / habits.authToken,
    renewal: active / habits.agentToken,
    direct: active / habits.betweenGrants,
    revoke: active / habits.betweenGrants,
  }
}

/** A kind of unit that requests wait for. */
export type StationName = 'resource' | 'issuer' | 'database' | 'redis'

/** The work that an operation brings to each kind of unit: so many visits of so many seconds each. */
export type Visits = Readonly<Record<StationName, { readonly count: number; readonly seconds: number }>>

/** The visits of one operation; a look-up among the replays of a resource costs Redis as much as one of an auth server. */
export function visitsOf(name: OperationName, { operations }: Pick<ScalingConstants, 'operations'>): Visits {
  const cost = operations[name]
  const none = { count: 0, seconds: 0 }
  const here = { count: 1, seconds: cost.instance / 1e6 }
  const inRedis = (count: number, { redis, redisCommands }: OperationCost) => {
    return { count, seconds: redis / Math.max(1, redisCommands) / 1e6 }
  }
  if (name === 'guarded')
    return { resource: here, issuer: none, database: none, redis: inRedis(habits.unsafe, operations.refresh) }
  const trips = Math.round(cost.roundTrips)
  return {
    resource: none,
    issuer: here,
    database: { count: trips, seconds: cost.database / 1e6 / trips },
    redis: inRedis(Math.round(cost.redisCommands), cost),
  }
}

/** So many units of each kind. */
export type Deployment = Readonly<Record<StationName, number>>

/** What a demand needs, and what comes first to its end. */
export interface Plan {
  readonly rates: Rates
  readonly deployment: Deployment
  /** Primaries that each limit of one primary would need by itself. */
  readonly primaries: { readonly cpu: number; readonly log: number; readonly bytes: number }
  /** Bytes in all databases. */
  readonly bytes: number
  /** The part of each kind of unit that works. */
  readonly busy: Readonly<Record<StationName, number>>
  /** Mean seconds of a request to a resource, and of a refresh, in all queues and on the way between servers. */
  readonly seconds: Readonly<Record<'guarded' | 'refresh', number>>
}

const names: readonly OperationName[] = ['guarded', 'direct', 'refresh', 'revoke', 'renewal']

/** Processors of a unit that a visit may use. */
export const coresOf = (station: StationName): number => (station === 'database' ? units.databaseCores : 1)

/** The fewest units that leave enough of each free. */
export function planOf(demand: Demand, constants: ScalingConstants): Plan {
  const rates = ratesOf(demand)
  const work = (station: StationName): number =>
    sumOf(names, name => {
      const { count, seconds } = visitsOf(name, constants)[station]
      return rates[name] * count * seconds
    })
  const needed = (amount: number, ofOne: number): number => Math.max(1, Math.ceil(amount / (ofOne * units.planned)))
  const bytes = demand.delegates * (bytesPerGrant(constants) + constants.bytesPerDelegate)
  const primaries = {
    cpu: needed(work('database'), units.databaseCores),
    log: needed(
      sumOf(names, name => rates[name] * constants.operations[name].log),
      units.databaseLog,
    ),
    bytes: Math.max(1, Math.ceil(bytes / units.databaseBytes)),
  }
  const deployment: Deployment = {
    resource: needed(work('resource'), 1),
    issuer: needed(work('issuer'), 1),
    database: Math.max(primaries.cpu, primaries.log, primaries.bytes),
    redis: needed(work('redis'), 1),
  }
  const busy = mapStations(station => work(station) / (deployment[station] * coresOf(station)))
  const seconds = (name: OperationName): number => secondsOf(name, busy, constants)
  return {
    rates,
    deployment,
    primaries,
    bytes,
    busy,
    seconds: { guarded: seconds('guarded'), refresh: seconds('refresh') },
  }
}

/** Bytes of a grant where there are most of them. */
function bytesPerGrant({ sizes }: ScalingConstants): number {
  return sizes.at(-1)?.bytesPerGrant ?? 0
}

/**
 * The mean time of an operation in queues: each unit has as many servers as processors, requests come at random, and work takes as
 * long as work that is distributed exponentially (M/M/c).
 */
function secondsOf(
  name: OperationName,
  busy: Readonly<Record<StationName, number>>,
  constants: ScalingConstants,
): number {
  const visits = visitsOf(name, constants)
  return sumOf(stations, station => {
    const { count, seconds } = visits[station]
    const away = station === 'database' || station === 'redis' ? units.roundTrip : 0
    const mean = meanService(station, constants) || seconds
    return count * (seconds + waitingOf(busy[station], coresOf(station)) * mean + away)
  })
}

/** Of one visit, over all operations as often as they happen when all are active: what others ahead in a queue take. */
function meanService(station: StationName, constants: ScalingConstants): number {
  const rates = ratesOf({ delegates: 1e9, requests: 1e6 })
  const counts = sumOf(names, name => rates[name] * visitsOf(name, constants)[station].count)
  const work = sumOf(names, name => {
    const { count, seconds } = visitsOf(name, constants)[station]
    return rates[name] * count * seconds
  })
  return counts === 0 ? 0 : work / counts
}

/** Mean wait before a visit, as a multiple of the mean service: Erlang's C over what is free. */
export function waitingOf(busy: number, servers: number): number {
  const offered = busy * servers
  // B of Erlang by its recursion, which stays finite for many servers.
  let blocked = 1
  for (let count = 1; count <= servers; count++) blocked = (offered * blocked) / (count + offered * blocked)
  const waits = blocked / (1 - busy * (1 - blocked))
  return waits / (servers * (1 - busy))
}

/** The kinds of units. */
export const stations: readonly StationName[] = ['resource', 'issuer', 'database', 'redis']

function mapStations(of: (station: StationName) => number): Readonly<Record<StationName, number>> {
  return { resource: of('resource'), issuer: of('issuer'), database: of('database'), redis: of('redis') }
}

/** The sum of a figure of each. */
export function sumOf<T>(all: readonly T[], of: (one: T) => number): number {
  return all.map(of).reduce((sum, one) => sum + one, 0)
}
