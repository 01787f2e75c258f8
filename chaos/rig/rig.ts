import { execFile } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { freePort } from '@countersign/testing/ports'
import { type PostgresPair, startPostgresPair } from '@countersign/testing/rig/postgres-pair'
import { type RedisCluster, startRedisCluster } from '@countersign/testing/rig/redis-cluster'
import { type RedisNode, startRedis } from '@countersign/testing/rig/redis-node'
import type { Addresses } from '../clients/world.js'
import type { History } from '../history.js'
import type { Random } from '../random.js'
import { openWay, type Way } from './proxy.js'
import { command, type ServerProcess, serverProcess } from './server-process.js'
import { agentSettings, authSettings, gatewaySettings, type Places, partnerSettings } from './settings.js'
import { openApi, openMiddle, openWorkloads, type Site } from './sites.js'

/** One instance, with its own ways to what it needs. */
export interface Instance {
  readonly server: ServerProcess
  /** To the database; none for a gateway. */
  readonly database?: Way
  readonly redis?: Way
}

/** Servers, databases, and every way between them. */
export interface Rig {
  readonly addresses: Addresses
  readonly history: History
  readonly random: Random
  readonly postgres: PostgresPair
  readonly redis: RedisNode
  /** In place of the single one, where the rig was started so: three masters with a replica each. */
  readonly cluster?: RedisCluster | undefined
  /** Another Redis, to which a lie leads, and the ways there. */
  readonly impostor: RedisNode
  readonly lies: readonly Way[]
  /** What stands behind the gateways. */
  readonly apis: readonly Site[]
  readonly auth: readonly Instance[]
  readonly agents: readonly Instance[]
  readonly gateways: readonly Instance[]
  readonly partner: Instance
  /** The balancers, by which everybody reaches a server. */
  readonly fronts: { readonly auth: Way; readonly agents: Way; readonly gateway: Way; readonly partner: Way }
  readonly folder: string
  /** Runs `countersign auth-server …` as an operator does; what it prints. Rejects where it fails. */
  operate(args: readonly string[]): Promise<string>
  stop(): Promise<void>
}

/** Every instance of every server. */
export function instancesOf({ auth, agents, gateways, partner }: Rig): Instance[] {
  return [...auth, ...agents, ...gateways, partner]
}

/** Every way to PostgreSQL. */
export function databaseWays(rig: Rig): Way[] {
  return instancesOf(rig).flatMap(({ database }) => (database === undefined ? [] : [database]))
}

/** Every way to Redis. */
export function redisWays(rig: Rig): Way[] {
  return instancesOf(rig).flatMap(({ redis }) => (redis === undefined ? [] : [redis]))
}

/** Leads all ways to the database server that takes writes now. */
export function followPrimary(rig: Rig): void {
  for (const way of databaseWays(rig)) way.targets = [rig.postgres.primary.port]
}

/** Runs the command to its end; what it prints. */
export async function run(args: readonly string[]): Promise<string> {
  const options = { maxBuffer: 256 * 1024 * 1024, timeout: 120_000 }
  return (await promisify(execFile)(process.execPath, [command, ...args], options)).stdout
}

/** What has been started so far, to be stopped in the other order. */
type Closing = Array<() => Promise<unknown> | unknown>

/** Starts all of it. What was started is stopped where one part fails. */
export async function startRig({ history, random, redis }: Omit<Starting, 'closing'>): Promise<Rig> {
  const closing: Closing = []
  const stop = async (): Promise<void> => {
    for (const close of closing.splice(0).toReversed()) await Promise.resolve(close()).catch(() => undefined)
  }
  try {
    return { ...(await startParts({ history, random, redis, closing })), stop }
  } catch (error) {
    await stop()
    throw error
  }
}

/** What a rig is started with. */
export interface Starting {
  readonly history: History
  readonly random: Random
  /** The Redis that servers share: one server, or a cluster. */
  readonly redis: 'single' | 'cluster'
  readonly closing: Closing
}

async function startParts(o: Starting): Promise<Omit<Rig, 'stop'>> {
  const { history, random, closing } = o
  const folder = mkdtempSync(join(tmpdir(), 'countersign-chaos-'))
  closing.push(() => rmSync(folder, { recursive: true, force: true }))
  mkdirSync(join(folder, 'keys'))
  const [postgres, redis, impostor] = await Promise.all([
    startPostgresPair({ max_connections: '60' }),
    startRedis(),
    startRedis(),
  ])
  const cluster = o.redis === 'cluster' ? await startRedisCluster({ replicas: 1 }) : undefined
  closing.push(
    () => cluster?.stop(),
    () => impostor.stop(),
    () => redis.stop(),
    () => postgres.stop(),
  )
  const open = <T extends { close(): Promise<void> }>(opened: T): T => {
    closing.push(() => opened.close())
    return opened
  }
  const sites = await Promise.all([openMiddle('first.read'), openMiddle('second.read'), openWorkloads()])
  const [first, second, workloads] = sites
  for (const site of sites) open(site)
  const ports = await Promise.all(Array.from({ length: 12 }, () => freePort()))
  const [authId, agentsId, gatewayId, partnerId, callback, ...own] = ports as [
    number,
    number,
    number,
    number,
    number,
    ...number[],
  ]
  const named = { auth: authId, agents: agentsId, gateway: gatewayId, partner: partnerId }
  const [auth, agents, gateway, partner] = Object.values(named).map(port => `http://localhost:${port}`) as [
    string,
    string,
    string,
    string,
  ]
  const instances = { auth: own.slice(0, 2), agents: own.slice(2, 4), gateway: own.slice(4, 6) }
  const addresses: Addresses = {
    auth,
    agents,
    gateway,
    partner,
    middles: [first, second],
    workloads,
    callback: `http://localhost:${callback}/callback`,
    instances,
  }
  const auditKey = join(folder, 'keys', 'audit.json')
  await run(['audit', 'key', auditKey, '--id', auth, '--development', '--new'])
  const places: Places = { addresses, auditKey, keys: name => join(folder, 'keys', `${name}.json`) }
  const way = async (targets: readonly number[], port?: number): Promise<Way> =>
    open(await openWay({ targets, random, ...(port === undefined ? {} : { port }) }))
  const lies: Way[] = []
  const apis: Site[] = []
  const parts = { ...o, folder, places, way, open, lies, apis, postgres, redis, impostor, cluster }
  const partnerPort = own[6] ?? 0
  const made = await makeInstances(parts, { instances, partnerPort })
  const fronts = {
    auth: await way(instances.auth, authId),
    agents: await way(instances.agents, agentsId),
    gateway: await way(instances.gateway, gatewayId),
    partner: await way([partnerPort], partnerId),
  }
  // One of each first: it makes the keys and tables that both have.
  for (const kind of [made.auth, made.agents, made.gateways, [made.partner]])
    for (const { server } of kind) await server.start()
  const operate = (args: readonly string[]): Promise<string> => {
    const place = ['--data', join(folder, 'auth-1'), '--database', postgres.primary.url()]
    return run(['auth-server', ...args, '--id', auth, '--development', ...place])
  }
  return {
    ...made,
    addresses,
    history,
    random,
    postgres,
    redis,
    impostor,
    cluster,
    lies,
    apis,
    fronts,
    folder,
    operate,
  }
}

interface Parts extends Omit<Starting, 'redis'> {
  readonly folder: string
  readonly places: Places
  readonly way: (targets: readonly number[]) => Promise<Way>
  readonly open: <T extends { close(): Promise<void> }>(opened: T) => T
  readonly lies: Way[]
  readonly apis: Site[]
  readonly postgres: PostgresPair
  readonly redis: RedisNode
  readonly impostor: RedisNode
  readonly cluster: RedisCluster | undefined
}

type Made = Pick<Rig, 'auth' | 'agents' | 'gateways' | 'partner'>

async function makeInstances(
  parts: Parts,
  { instances, partnerPort }: { readonly instances: Addresses['instances']; readonly partnerPort: number },
): Promise<Made> {
  const { folder, places, closing } = parts
  const make = (o: {
    name: string
    kind: 'auth-server' | 'agent-server' | 'gateway'
    port: number
    settings: object
  }): ServerProcess => {
    const server = serverProcess({ ...o, folder })
    closing.push(() => server.kill())
    return server
  }
  const needs = async () => ({ database: await parts.way([parts.postgres.primary.port]), redis: await redisWay(parts) })
  const urls = ({ database, redis }: { database: Way; redis: Way }) => ({
    database: `postgres://postgres@db.chaos.test:${database.port}/test`,
    replay: redisUrl(parts, redis),
  })
  const withDatabase = (kind: 'auth-server' | 'agent-server', name: string) => async (port: number, index: number) => {
    const ways = await needs()
    const settings = (kind === 'auth-server' ? authSettings : agentSettings)(places, urls(ways))
    return { server: make({ name: `${name}-${index + 1}`, kind, port, settings }), ...ways }
  }
  const gateway = async (port: number, index: number): Promise<Instance> => {
    const name = `gateway-${index + 1}`
    const [api, redis] = [parts.open(await openApi(parts.history, name)), await redisWay(parts)]
    parts.apis.push(api)
    const settings = gatewaySettings(places, { upstream: api.origin, redis: redisUrl(parts, redis) })
    return { server: make({ name, kind: 'gateway', port, settings }), redis }
  }
  const auth = await Promise.all(instances.auth.map(withDatabase('auth-server', 'auth')))
  const agents = await Promise.all(instances.agents.map(withDatabase('agent-server', 'agents')))
  const gateways = await Promise.all(instances.gateway.map(gateway))
  const partner = {
    server: make({ name: 'partner', kind: 'auth-server', port: partnerPort, settings: partnerSettings(places) }),
  }
  return { auth, agents, gateways, partner }
}

/** A way to Redis, beside which another leads to the impostor: the same port at the address of a lie. */

/** The nodes of a cluster tell clients where the others are, so no way leads to them. */
function redisUrl({ cluster }: Parts, { port }: Way): string {
  return cluster?.url ?? `redis://redis.chaos.test:${port}`
}

async function redisWay({ way, open, redis, impostor, random, lies }: Parts): Promise<Way> {
  const made = await way([redis.port])
  lies.push(open(await openWay({ port: made.port, host: '127.0.0.2', targets: [impostor.port], random })))
  return made
}
