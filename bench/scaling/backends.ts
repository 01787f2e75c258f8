import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { newPostgres, type PostgresServer } from '@countersign/testing/rig/postgres-server'
import { type RedisNode, startRedis } from '@countersign/testing/rig/redis-node'
import { rigFolder } from '@countersign/testing/rig/rig-folder'
import type { OperationCost } from './constants.js'
import { type CountingWay, countingWay } from './counting-way.js'
import { familyCpu } from './process-cpu.js'

/** What PostgreSQL and Redis have done so far. */
export type Used = Omit<OperationCost, 'instance'>

/** A PostgreSQL and a Redis that nobody else uses. */
export interface Backends {
  readonly postgres: PostgresServer
  readonly redis: RedisNode
  /** The URL of a new database, over a way that counts. */
  newDatabase(name: string): Promise<string>
  used(): Promise<Used>
  versions(): Promise<{ readonly postgres: string; readonly redis: string }>
  stop(): Promise<void>
}

// As a server in earnest: on the disk before it is acknowledged. Autovacuum is off, so that its CPU is not charged to requests.
const settings = { fsync: 'on', autovacuum: 'off', max_wal_size: '8GB', shared_buffers: '512MB' }

/** Starts both on ports of their own. */
export async function startBackends(): Promise<Backends> {
  const { folder, remove } = rigFolder()
  const postgres = await newPostgres({ folder: join(folder, 'postgres'), settings })
  const redis = await startRedis()
  const way: CountingWay = await countingWay(postgres.port)
  const pid = Number(readFileSync(join(postgres.folder, 'postmaster.pid'), 'utf8').split('\n')[0])
  const redisFigure = (text: string, name: string): number => Number(new RegExp(`^${name}:(.*)$`, 'm').exec(text)?.[1])
  return {
    postgres,
    redis,
    async newDatabase(name) {
      await postgres.query(`create database ${name}`)
      return `postgres://postgres@127.0.0.1:${way.port}/${name}`
    },
    async used() {
      const [row] = await postgres.query("select (pg_current_wal_insert_lsn() - '0/0')::float8 as log")
      const info = String(await redis.send('INFO', 'all'))
      const figure = (name: string): number => redisFigure(info, name)
      const { sent, received, ...counts } = way.read()
      return {
        ...counts,
        database: familyCpu(pid),
        redis: (figure('used_cpu_user') + figure('used_cpu_sys')) * 1e6,
        // Those of clients: each runs further ones within Redis.
        redisCommands: [...info.matchAll(/^cmdstat_(?:evalsha|eval):calls=(\d+)/gm)]
          .map(([, calls]) => Number(calls))
          .reduce((sum, calls) => sum + calls, 0),
        log: Number(row?.['log']),
        databaseSent: sent,
        databaseReceived: received,
      }
    },
    async versions() {
      const [row] = await postgres.query('show server_version')
      const info = String(await redis.send('INFO', 'server'))
      const [, version = ''] = /^redis_version:(\S+)/m.exec(info) ?? []
      return { postgres: String(row?.['server_version']), redis: version }
    },
    async stop() {
      way.close()
      await Promise.allSettled([postgres.stop(), redis.stop()])
      remove()
    },
  }
}
