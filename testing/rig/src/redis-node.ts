import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { freePort } from '@countersign/testing/ports'
import { createClient } from 'redis'
import { programOf } from './program.js'
import { rigFolder } from './rig-folder.js'
import { type RigProcess, startRigProcess } from './rig-process.js'

/** A Redis server on a port of its own. */
export interface RedisNode {
  readonly port: number
  readonly url: string
  send(...args: readonly string[]): Promise<unknown>
  isRunning(): boolean
  /** Starts it, again after `kill` or `stop`: on the same port, and empty unless `settings` say that it keeps a log. */
  start(): Promise<void>
  kill(): Promise<void>
  pause(): void
  resume(): void
  stop(): Promise<void>
}

/** A server in memory only. */
const base = { bind: '127.0.0.1', save: '', appendonly: 'no' }

/**
 * A server that is not started yet.
 * @param folder of its own, made here
 * @param settings as of redis.conf
 */
export async function redisNode(folder: string, settings: Readonly<Record<string, string>> = {}): Promise<RedisNode> {
  mkdirSync(folder, { recursive: true })
  const port = await freePort()
  const url = `redis://127.0.0.1:${port}`
  const options = { ...base, ...settings, port: String(port), dir: folder }
  let running: RigProcess | undefined
  return {
    port,
    url,
    send: (...args) => sendTo(url, args),
    isRunning: () => running?.isRunning() === true,
    async start() {
      running = await startRigProcess({
        program: programOf('redis-server'),
        args: Object.entries(options).flatMap(([name, value]) => [`--${name}`, value]),
        log: join(folder, 'log'),
        isReady: () =>
          sendTo(url, ['PING']).then(
            () => true,
            () => false,
          ),
      })
    },
    kill: async () => running?.kill(),
    pause: () => running?.pause(),
    resume: () => running?.resume(),
    stop: async () => running?.stop(),
  }
}

/** Starts a single server. `stop` also removes its folder. */
export async function startRedis(settings?: Readonly<Record<string, string>>): Promise<RedisNode> {
  const { folder, remove } = rigFolder()
  const node = await redisNode(join(folder, 'redis'), settings)
  await node.start()
  return {
    ...node,
    async stop() {
      await node.stop()
      remove()
    },
  }
}

async function sendTo(url: string, args: readonly string[]): Promise<unknown> {
  const client = createClient({
    url,
    disableOfflineQueue: true,
    // A busy machine may take seconds to connect.
    socket: { connectTimeout: 10_000, reconnectStrategy: false },
  })
  client.on('error', () => undefined)
  try {
    await client.connect()
    return await client.sendCommand([...args])
  } finally {
    if (client.isOpen) client.destroy()
  }
}
