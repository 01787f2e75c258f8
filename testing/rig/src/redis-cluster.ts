import { join } from 'node:path'
import { freePort } from '@countersign/testing/ports'
import { type RedisNode, redisNode } from './redis-node.js'
import { rigFolder } from './rig-folder.js'
import { pause } from './rig-process.js'

/** A Redis Cluster on loopback. */
export interface RedisCluster {
  /** Its nodes, the masters of the beginning first. */
  readonly nodes: readonly RedisNode[]
  /** All nodes in one URL: `redis://127.0.0.1:P1,127.0.0.1:P2,…`. */
  readonly url: string
  /** Resolves when the running nodes agree that every slot is served. */
  well(): Promise<void>
  /** The node that now is master of a key. */
  masterOf(key: string): Promise<RedisNode>
  stop(): Promise<void>
}

/** How a cluster is made. */
export interface RedisClusterSettings {
  /** Masters; default 3. */
  readonly masters?: number
  /** Replicas of each master, which takes over when its master is lost; default none. */
  readonly replicas?: 0 | 1
  /** Settings of each node, as of redis.conf. */
  readonly settings?: Readonly<Record<string, string>>
}

const slots = 16_384

/** Starts the nodes and joins them. */
export async function startRedisCluster({
  masters = 3,
  replicas = 0,
  settings = {},
}: RedisClusterSettings = {}): Promise<RedisCluster> {
  const { folder, remove } = rigFolder()
  const nodes = await Promise.all(
    Array.from({ length: masters * (1 + replicas) }, async (_, index) => {
      // The usual port for the bus, 10000 above the other, is one that systems hand out to connections.
      const bus = await freePort()
      const cluster = { 'cluster-enabled': 'yes', 'cluster-node-timeout': '1000', 'cluster-port': String(bus) }
      const node = await redisNode(join(folder, String(index)), { ...cluster, ...settings })
      await node.start()
      return { node, bus }
    }),
  )
  const all = nodes.map(({ node }) => node)
  const well = async (): Promise<void> => {
    const running = all.filter(node => node.isRunning())
    while (!(await Promise.all(running.map(isWell))).every(Boolean)) await pause(50)
  }
  await joinNodes(nodes, masters)
  await well()
  return {
    nodes: all,
    url: `redis://${all.map(({ port }) => `127.0.0.1:${port}`).join(',')}`,
    well,
    masterOf: key => masterOf(all, key),
    async stop() {
      await Promise.all(all.map(node => node.kill()))
      remove()
    },
  }
}

interface Joining {
  readonly node: RedisNode
  readonly bus: number
}

async function joinNodes(nodes: readonly Joining[], masters: number): Promise<void> {
  const [first, ...others] = nodes
  if (first === undefined) throw new RangeError('a cluster has nodes')
  for (const [index, { node }] of nodes.entries()) {
    await node.send('CLUSTER', 'SET-CONFIG-EPOCH', String(index + 1))
    if (index >= masters) continue
    const [begin, end] = [index, index + 1].map(part => Math.floor((part * slots) / masters))
    await node.send('CLUSTER', 'ADDSLOTSRANGE', String(begin), String(Number(end) - 1))
  }
  for (const { node, bus } of others)
    await first.node.send('CLUSTER', 'MEET', '127.0.0.1', String(node.port), String(bus))
  const known = async ({ node }: Joining): Promise<boolean> =>
    (await info(node)).includes(`cluster_known_nodes:${nodes.length}\r`)
  while (!(await Promise.all(nodes.map(known))).every(Boolean)) await pause(50)
  for (const [index, { node }] of nodes.entries()) {
    const master = nodes[index - masters]?.node
    if (master === undefined) continue
    await node.send('CLUSTER', 'REPLICATE', String(await master.send('CLUSTER', 'MYID')))
    while (!(await isInStep(node))) await pause(50)
  }
}

/** Whether a replica has what its master has: before that it takes over from none. */
async function isInStep(node: RedisNode): Promise<boolean> {
  return String(await node.send('INFO', 'replication')).includes('master_link_status:up')
}

async function info(node: RedisNode): Promise<string> {
  return String(await node.send('CLUSTER', 'INFO'))
}

async function isWell(node: RedisNode): Promise<boolean> {
  const text = await info(node).catch(() => '')
  if (!text.includes('cluster_state:ok') || !text.includes(`cluster_slots_ok:${slots}`)) return false
  const isMaster = String(await node.send('INFO', 'replication').catch(() => '')).includes('role:master')
  return isMaster || (await isInStep(node).catch(() => false))
}

async function masterOf(nodes: readonly RedisNode[], key: string): Promise<RedisNode> {
  const running = nodes.filter(node => node.isRunning())
  const [any] = running
  if (any === undefined) throw new Error('no node runs')
  const slot = Number(await any.send('CLUSTER', 'KEYSLOT', key))
  const ranges = (await any.send('CLUSTER', 'SLOTS')) as ReadonlyArray<
    readonly [number, number, readonly [string, number]]
  >
  const port = ranges.find(([begin, end]) => Number(begin) <= slot && slot <= Number(end))?.[2]?.[1]
  const found = nodes.find(node => node.port === Number(port))
  if (found === undefined) throw new Error(`slot ${slot} has no master`)
  return found
}
