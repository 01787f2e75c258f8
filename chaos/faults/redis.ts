import type { Rig } from '../rig/rig.js'
import { type Fault, gone } from './fault.js'
import { ofWays } from './ways.js'

// Redis that dies, hangs, forgets, or has no room.

const killRedis: Fault = {
  name: 'redis-kill',
  what: 'SIGKILL of Redis, which comes back empty when the fault ends',
  silent: false,
  takes: ['redis'],
  of: 'loss',
  redis: 'single',
  async apply({ redis, history }) {
    await redis.kill()
    history.add({ type: 'loss', at: Date.now(), of: 'counters' })
    return gone(redis, 'servers gone')
  },
}

const flushRedis: Fault = {
  name: 'redis-flush',
  what: 'Redis loses all that it knows, while it runs',
  silent: false,
  takes: ['redis'],
  of: 'loss',
  redis: 'single',
  async apply({ redis, history }) {
    const before = Number(await redis.send('DBSIZE'))
    await redis.send('FLUSHALL')
    history.add({ type: 'loss', at: Date.now(), of: 'counters' })
    return {
      heal: async () => undefined,
      measure: async () => ({ measured: before, atLeast: 1, unit: 'keys lost' }),
    }
  },
}

/** Bytes that are left. */
const room = 50_000

/** Gives Redis a limit that is soon met. */
const memory = (policy: 'noeviction' | 'allkeys-lru', what: string): Fault => ({
  name: policy === 'noeviction' ? 'redis-full' : 'redis-evicting',
  what,
  silent: false,
  takes: ['redis'],
  ...(policy === 'allkeys-lru' && { of: 'loss' }),
  redis: 'single',
  async apply({ redis, history }: Rig) {
    await redis.send('CONFIG', 'SET', 'maxmemory-policy', policy)
    const [, used = '0'] = /^used_memory:(\d+)/m.exec(String(await redis.send('INFO', 'memory'))) ?? []
    await redis.send('CONFIG', 'SET', 'maxmemory', String(Number(used) + room))
    if (policy === 'allkeys-lru') history.add({ type: 'loss', at: Date.now(), of: 'counters' })
    const stats = async (): Promise<string> =>
      `${await redis.send('INFO', 'stats')}${await redis.send('INFO', 'errorstats')}`
    const count = async (): Promise<number> => {
      const text = await stats()
      const [, evicted = '0'] = /^evicted_keys:(\d+)/m.exec(text) ?? []
      const [, refused = '0'] = /^errorstat_OOM:count=(\d+)/m.exec(text) ?? []
      return policy === 'noeviction' ? Number(refused) : Number(evicted)
    }
    const before = await count()
    return {
      async heal() {
        await redis.send('CONFIG', 'SET', 'maxmemory', '0')
        await redis.send('CONFIG', 'SET', 'maxmemory-policy', 'noeviction')
      },
      async measure() {
        // So that the limit is met whatever the load.
        const fill = (index: number) => redis.send('SET', `chaos:fill:${index}`, 'x'.repeat(60_000), 'EX', '1')
        await Promise.allSettled(Array.from({ length: 20 }, (_, index) => fill(index)))
        return {
          measured: (await count()) - before,
          atLeast: 1,
          unit: policy === 'noeviction' ? 'writes refused' : 'keys evicted',
        }
      },
    }
  },
})

/** A master of a Redis Cluster whose slots its replica takes over. */
const ofMaster = (o: { readonly name: string; readonly what: string; readonly how: 'kill' | 'pause' }): Fault => ({
  name: o.name,
  what: o.what,
  silent: false,
  takes: ['redis'],
  of: 'loss',
  redis: 'cluster',
  async apply({ cluster, history, random }) {
    if (cluster === undefined) throw new Error('the rig has no Redis Cluster')
    const master = await cluster.masterOf(`chaos ${random.below(100)}`)
    history.add({ type: 'loss', at: Date.now(), of: 'counters' })
    await master[o.how]()
    return {
      async heal() {
        if (o.how === 'kill') await master.start()
        else master.resume()
        await cluster.well()
      },
      async measure() {
        const others = cluster.nodes.filter(node => node !== master)
        const text = String(await others[0]?.send('CLUSTER', 'NODES'))
        return { measured: text.includes('fail') ? 1 : 0, atLeast: 1, unit: 'nodes that the cluster has given up' }
      },
    }
  },
})

/** Faults of Redis. */
export const redisFaults: readonly Fault[] = [
  killRedis,
  flushRedis,
  ofWays('redis', {
    name: 'slow',
    what: 'everything between the servers and Redis takes 2 s longer, each way',
    weather: { delay: 2000 },
    counted: 'delayed',
  }),
  ofWays('redis', {
    name: 'cut',
    what: 'Redis refuses connections, and open ones are reset',
    weather: { refuses: true },
    cuts: true,
    counted: 'cut',
  }),
  ofWays('redis', {
    name: 'partition',
    what: 'nothing comes through to Redis or from it, and nobody is told',
    weather: { silent: 'both' },
    counted: 'dropped',
  }),
  ofWays('redis', {
    name: 'deaf',
    what: 'what Redis answers is lost: it counts, and nobody gets to know',
    weather: { silent: 'from' },
    counted: 'dropped',
  }),
  ofWays('redis', {
    name: 'one-instance',
    what: 'one of two gateways is cut off from Redis',
    weather: { silent: 'both' },
    one: true,
    counted: 'dropped',
  }),
  memory('noeviction', 'Redis is full, and refuses writes'),
  memory('allkeys-lru', 'Redis is set to evict while it runs, and is full'),
  ofMaster({
    name: 'cluster-kill',
    what: 'SIGKILL of a master of the Redis Cluster; its replica takes over',
    how: 'kill',
  }),
  ofMaster({
    name: 'cluster-stop',
    what: 'SIGSTOP of a master of the Redis Cluster; its replica takes over',
    how: 'pause',
  }),
]
