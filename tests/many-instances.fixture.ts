import type { ChildProcess } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { PublishedKey } from '@countersign/protocol'
import { keysFile } from '@countersign/server'
import { freePort } from '@countersign/testing/ports'
import { type Balancer, startBalancer } from '@countersign/testing/rig/balancer'
import { type PostgresPair, startPostgresPair } from '@countersign/testing/rig/postgres-pair'
import { type RedisCluster, startRedisCluster } from '@countersign/testing/rig/redis-cluster'
import { root, type Stand, stand } from './processes.fixture.js'

/** The participants, by what they are. Each has an identifier whose port is the balancer's. */
export const roles = ['app', 'one', 'two', 'calendar', 'rooms', 'gate', 'tools'] as const

/** `app` is an agent server, `one` and `two` auth servers, `calendar` and `rooms` resources, `gate` a gateway, `tools` an MCP server. */
export type Role = (typeof roles)[number]

/** What a process with one instance of each participant is told. */
export interface InstanceSettings {
  readonly ids: Readonly<Record<Role, string>>
  /** Where it listens. */
  readonly ports: Readonly<Record<Role, number>>
  readonly database: string
  readonly redis: string
  readonly upstream: string
  /** Keys files, shared by the instances. */
  readonly keys: string
  /** A folder of this process. */
  readonly own: string
}

/** Three instances of each participant behind nginx, on PostgreSQL with a standby and a Redis Cluster. */
export interface ManyInstances {
  readonly ids: Readonly<Record<Role, string>>
  /** By role, the ports of the instances. */
  readonly ports: readonly InstanceSettings['ports'][]
  readonly instances: readonly ChildProcess[]
  /** The key of the agent server, with which the app signs. */
  readonly appKey: PublishedKey
  readonly postgres: PostgresPair
  readonly redis: RedisCluster
  readonly balancer: Balancer
  stop(): Promise<void>
}

const count = 3

async function portsOf(): Promise<Record<Role, number>> {
  const ports = await Promise.all(roles.map(async role => [role, await freePort()] as const))
  return Object.fromEntries(ports) as Record<Role, number>
}

/** @param upstream of the gateway */
export async function manyInstances(upstream: string): Promise<ManyInstances> {
  const stops: Array<() => Promise<unknown>> = []
  const stop = async (): Promise<void> => {
    for (const each of stops.splice(0).reverse()) await each()
  }
  try {
    return { ...(await started(upstream, stops)), stop }
  } catch (error) {
    await stop()
    throw error
  }
}

/** @param stops gets what is to be stopped, as it starts */
async function started(upstream: string, stops: Array<() => Promise<unknown>>): Promise<Omit<ManyInstances, 'stop'>> {
  const postgres = await startPostgresPair()
  stops.push(() => postgres.stop())
  const redis = await startRedisCluster({ replicas: 1 })
  stops.push(() => redis.stop())
  const front = await portsOf()
  await Promise.all(['one', 'two', 'app'].map(name => postgres.primary.query(`create database ${name}`)))
  const ids = Object.fromEntries(roles.map(role => [role, `http://localhost:${front[role]}`])) as Record<Role, string>
  const ports = await Promise.all(Array.from({ length: count }, portsOf))
  const sites = roles.map(role => ({ port: front[role], instances: ports.map(each => each[role]) }))
  const balancer = await startBalancer(sites)
  stops.push(() => balancer.stop())
  const place = stand()
  stops.push(() => place.stop())
  const keys = await Promise.all(roles.map(role => keysFile(join(place.folder, `${role}.json`), { missing: 'make' })))
  const appKey = keys[0]?.[0]
  if (appKey === undefined) throw new Error('a keys file has a key')
  const common = { ids, upstream, database: postgres.url, redis: redis.url, keys: place.folder }
  const start = (index: number) => {
    const its = ports[index]
    if (its === undefined) throw new RangeError('there is no such instance')
    return startInstance(place, index, { ...common, ports: its, own: join(place.folder, `own-${index}-`) })
  }
  // The first one makes the tables.
  const instances = [await start(0), ...(await Promise.all([start(1), start(2)]))]
  return { ids, ports, instances, appKey, postgres, redis, balancer }
}

function startInstance(place: Stand, index: number, settings: InstanceSettings): Promise<ChildProcess> {
  const file = join(place.folder, `instance-${index}.json`)
  writeFileSync(file, JSON.stringify(settings))
  const program = [process.execPath, join(root, 'tests/dist/many-instances.child.js')]
  return place.start(`instance ${index}`, [file], { program, ready: 'all are ready' })
}
