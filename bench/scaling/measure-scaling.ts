import { loadavg } from 'node:os'
import { generatePrivateJwk } from '@countersign/httpsig'
import { redisReplaySet } from '@countersign/redis'
import { renewals, type Stage, sample, stageOn } from '../agent-server.js'
import type { AuthServerOrder } from '../auth-server-process.js'
import { type Cast, cast, type Delegate, directGrant, signedForm } from '../direct-grants.js'
import { makers } from '../guard.js'
import type { GuardOrder } from '../guard-process.js'
import { load, type Ready } from '../http-load.js'
import { median } from '../measure.js'
import { type MeasuredProcess, measuredProcess } from '../measured-process.js'
import { at } from '../signed-requests.js'
import { type Backends, startBackends, type Used } from './backends.js'
import type { InstancesPoint, OperationCost, ScalingConstants, SizePoint } from './constants.js'
import { populateDelegates, populateGrants } from './populate.js'

const connections = 16
const operations = 256
const rounds = 7
/** Rounds that do not count: servers are measured as they run, compiled. */
const warmUp = 5
/** Requests a second to each of several instances: fewer than they could answer, so that none waits for a processor for long. */
const rateOfEach = 40

/** An auth server on a database with so many grants. */
interface Place {
  readonly grants: number
  readonly url: string
  readonly bytesPerGrant: number
  readonly server: MeasuredProcess
}

/** What all auth servers of a measurement share. */
interface Setting {
  readonly backends: Backends
  readonly made: Cast
  readonly order: Omit<AuthServerOrder, 'database'>
  /** All that was started. */
  readonly started: MeasuredProcess[]
}

async function settingOf(backends: Backends): Promise<Setting> {
  const made = await cast()
  const keys = { agent: made.agentKey.publicJwk, resource: made.resourceKey.publicJwk }
  return {
    backends,
    made,
    started: [],
    order: { ...keys, key: await generatePrivateJwk(), replay: backends.redis.url },
  }
}

async function instanceOn(database: string, { order, started }: Setting): Promise<MeasuredProcess> {
  const server = await measuredProcess<AuthServerOrder>('./auth-server-process.js', { ...order, database })
  started.push(server)
  return server
}

async function placeOf(grants: number, setting: Setting): Promise<Place> {
  const url = await setting.backends.newDatabase(`grants_${grants}`)
  const server = await instanceOn(url, setting)
  return { grants, url, server, bytesPerGrant: await populateGrants(url, grants) }
}

/** What some requests cost each, of which `instance` is told by the process that serves. */
async function costOf(
  backends: Pick<Backends, 'used'>,
  count: number,
  work: () => Promise<number>,
): Promise<OperationCost> {
  const before = await backends.used()
  const instance = await work()
  const after = await backends.used()
  const each = (name: keyof Used): number => (after[name] - before[name]) / count
  return {
    instance,
    database: each('database'),
    redis: each('redis'),
    log: each('log'),
    statements: each('statements'),
    roundTrips: each('roundTrips'),
    redisCommands: each('redisCommands'),
    databaseSent: each('databaseSent'),
    databaseReceived: each('databaseReceived'),
  }
}

type Answers = ReadonlyArray<Readonly<Record<string, unknown>>>

const directs = ({ made }: Setting, count = operations): Promise<Ready[]> =>
  Promise.all(Array.from({ length: count }, (_, index) => directGrant(at(made.delegates, index), made.resourceKey)))

/** Forms about the refresh tokens of answers, each signed by its owner. */
function forms(
  { made }: Setting,
  answers: Answers,
  formOf: (token: string) => Readonly<Record<string, string>>,
): Promise<Ready[]> {
  return Promise.all(
    answers.map(({ auth_token, refresh_token }) =>
      signedForm(
        ownerOf(made.delegates, String(auth_token)),
        formOf(String(refresh_token)),
        'token' in formOf('') ? '/agent/revoke' : '/agent/token',
      ),
    ),
  )
}

function ownerOf(delegates: readonly Delegate[], token: string): Delegate {
  const claims: unknown = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString('utf8'))
  const owner = delegates.find(({ sub }) => sub === Object(claims).agent_delegate)
  if (owner === undefined) throw new RangeError('a token of nobody here')
  return owner
}

type AuthRound = Readonly<Record<'direct' | 'refresh' | 'revoke', OperationCost>>

/** Grants, refreshes and ends as many grants as there were before: the database stays as large as it is. */
async function authRound({ server }: Place, setting: Setting): Promise<AuthRound> {
  const { backends } = setting
  let answers: Answers = []
  const cost = async (ready: readonly Ready[]): Promise<OperationCost> =>
    costOf(backends, ready.length, async () => {
      const { cpu, answers: given } = await load(server, ready, connections)
      if (given[0]?.['refresh_token'] !== undefined) answers = given
      return cpu
    })
  const direct = await cost(await directs(setting))
  const granted = answers
  const refresh = await cost(
    await forms(setting, granted, refresh_token => ({ request_type: 'refresh', refresh_token })),
  )
  const revoke = await cost(await forms(setting, granted, token => ({ token })))
  return { direct, refresh, revoke }
}

/** The median of each figure. */
function medianCost(costs: readonly OperationCost[]): OperationCost {
  const middle = (name: keyof OperationCost): number => Math.round(median(costs.map(cost => cost[name])) * 100) / 100
  return {
    instance: middle('instance'),
    database: middle('database'),
    redis: middle('redis'),
    log: middle('log'),
    statements: middle('statements'),
    roundTrips: middle('roundTrips'),
    redisCommands: middle('redisCommands'),
    databaseSent: middle('databaseSent'),
    databaseReceived: middle('databaseReceived'),
  }
}

/** Measures places in turn, so that a busy machine slows all alike. */
async function inTurn<P, R>(places: readonly P[], one: (place: P) => Promise<R>): Promise<Map<P, R[]>> {
  const results = new Map<P, R[]>(places.map(place => [place, []]))
  for (let round = 0; round < warmUp + rounds; round++)
    for (const place of round % 2 === 0 ? places : places.toReversed()) {
      const result = await one(place)
      if (round >= warmUp) results.get(place)?.push(result)
    }
  return results
}

/** One instance and three on one database, each with the same number of connections. */
async function instancesPoints(place: Place, setting: Setting): Promise<InstancesPoint[]> {
  const three = [place.server, await instanceOn(place.url, setting), await instanceOn(place.url, setting)]
  const results = await inTurn([1, 3], async instances => {
    const ready = await Promise.all(Array.from({ length: instances }, () => directs(setting)))
    const cost = await costOf(setting.backends, instances * operations, async () => {
      const loads = await Promise.all(
        ready.map((some, index) => load(at(three, index), some, connections, { rate: rateOfEach })),
      )
      return loads.map(({ cpu }) => cpu).reduce((sum, one) => sum + one) / instances
    })
    return cost
  })
  return [...results].map(([instances, costs]) => {
    const { instance, database, statements, roundTrips, log } = medianCost(costs)
    return { instances, instance, database, statements, roundTrips, log }
  })
}

async function guardedCost({ backends, started }: Setting): Promise<OperationCost> {
  const { issuerKey, make } = await makers()
  const order: GuardOrder = {
    kind: 'aauth',
    on: 'node',
    issuerKey,
    issuer: 'https://auth.example',
    audience: 'https://calendar.example',
  }
  const server = await measuredProcess<GuardOrder>('./guard-process.js', order)
  started.push(server)
  const results = await inTurn([server], async () => {
    const ready = await Promise.all(Array.from({ length: operations }, () => make.aauth()))
    return costOf(backends, operations, async () => (await load(server, ready, connections)).cpu)
  })
  return medianCost([...results.values()].flat())
}

async function renewalCost({ backends }: Setting): Promise<{ cost: OperationCost; bytesPerDelegate: number }> {
  const url = await backends.newDatabase('delegates')
  let bytesPerDelegate = 0
  const more = async (): Promise<void> => {
    bytesPerDelegate = await populateDelegates(url, 100_000)
  }
  const replay = await redisReplaySet({ url: backends.redis.url, prefix: 'bench:agent', share: 100_000 })
  const stage: Stage = await stageOn(url, more, { replay })
  try {
    const results = await inTurn([stage], async () => {
      const messages = await renewals(stage)
      return costOf(backends, messages.length, async () => (await sample(stage, messages)).cpu)
    })
    return { cost: medianCost([...results.values()].flat()), bytesPerDelegate }
  } finally {
    await stage.server.close()
    await replay.close()
  }
}

function sizePoint({ grants, bytesPerGrant }: Place, measured: readonly AuthRound[]): SizePoint {
  const of = (name: 'direct' | 'refresh'): Pick<OperationCost, 'instance' | 'database'> => {
    const { instance, database } = medianCost(measured.map(one => one[name]))
    return { instance, database }
  }
  return { grants, bytesPerGrant: Math.round(bytesPerGrant), direct: of('direct'), refresh: of('refresh') }
}

/** Measures what operations cost here, on a PostgreSQL and a Redis of its own, with so many grants. */
export async function measureScaling(sizes: readonly number[]): Promise<ScalingConstants> {
  const backends = await startBackends()
  const setting = await settingOf(backends)
  try {
    const places: Place[] = []
    for (const grants of sizes) places.push(await placeOf(grants, setting))
    // A replay set that has just begun takes nothing signed before it.
    await new Promise(resolve => setTimeout(resolve, 1100))
    const measured = await inTurn(places, place => authRound(place, setting))
    const first = measured.get(at(places, 0)) ?? []
    const { cost: renewal, bytesPerDelegate } = await renewalCost(setting)
    const of = (name: keyof AuthRound): OperationCost => medianCost(first.map(one => one[name]))
    return {
      measured: {
        on: new Date().toISOString().slice(0, 10),
        runtime: `node ${process.version}`,
        ...(await backends.versions()),
        load: Math.round(loadavg()[1] ?? 0),
      },
      operations: {
        guarded: await guardedCost(setting),
        direct: of('direct'),
        refresh: of('refresh'),
        revoke: of('revoke'),
        renewal,
      },
      sizes: places.map(place => sizePoint(place, measured.get(place) ?? [])),
      instances: await instancesPoints(at(places, 0), setting),
      bytesPerDelegate: Math.round(bytesPerDelegate),
    }
  } finally {
    for (const server of setting.started) await server.stop()
    await backends.stop()
  }
}
