import { base64urlEncode } from '#base64url'
import { sha256 } from '#crypto'
import { linkOver, linkTo, type RedisConnection, type RedisLink } from './redis-link.js'
import { replayScript } from './redis-script.js'
import type { ReplayEntry, ReplaySet, ReplayVerdict } from './replay-set.js'
import { ReplaySetError } from './replay-set-error.js'

/** Which Redis holds a replay set, and how large and how long-lived it is. Instances that share one use the same values. */
export interface RedisReplaySetOptions {
  /** A connected client of the npm package `redis`; it stays yours. Either this or `url`. */
  readonly client?: RedisConnection
  /** `redis://` or `rediss://`, for a connection of its own. */
  readonly url?: string
  /** What its keys begin with, the same for all instances of an authority; no braces. Default `countersign:replay`. */
  readonly prefix?: string
  /** How long an entry is kept, seconds: twice the tolerance of `created`; default 120. */
  readonly window?: number
  /** Entries per partition; default 100 000. */
  readonly capacity?: number
  /** Entries per principal within its partition; default 10 000. */
  readonly share?: number
  /** How long Redis may take, seconds; default 1. */
  readonly deadline?: number
  /** Unix seconds; default the system clock. */
  readonly now?: () => number
}

/** A replay set that several instances share. */
export interface RedisReplaySet extends ReplaySet {
  /** Ends a connection made from a URL. */
  close(): Promise<void>
}

const verdicts: readonly ReplayVerdict[] = ['fresh', 'replayed', 'early', 'full']
// Commands already sent cannot be taken back; a Redis that hangs must not collect them without end.
const pendingLimit = 10_000

interface Settings {
  readonly prefix: string
  readonly window: number
  readonly capacity: number
  readonly share: number
  readonly deadline: number
}

function settingsOf(options: RedisReplaySetOptions): Settings {
  const { prefix = 'countersign:replay', window = 120, capacity = 100_000, share = 10_000, deadline = 1 } = options
  if (!(window > 0) || !(capacity > 0) || !(share > 0) || !(deadline > 0))
    throw new RangeError('window, capacity, share and deadline must be positive')
  if (prefix === '' || /[{}]/.test(prefix)) throw new TypeError('prefix must not be empty and holds no braces')
  if ((options.client === undefined) === (options.url === undefined))
    throw new TypeError('a replay set in Redis needs either a client or a url')
  return { prefix, window, capacity, share, deadline }
}

/** Memory that is full refuses to write; evicting instead would forget requests silently, and they could be replayed. */
async function refuseEviction(link: RedisLink): Promise<void> {
  const memory = String(await link.send(['INFO', 'memory']))
  const limit = /^maxmemory:(\d+)\r?$/m.exec(memory)?.[1]
  const policy = /^maxmemory_policy:([a-z-]+)\r?$/m.exec(memory)?.[1]
  if (limit === undefined || policy === undefined || (limit !== '0' && policy !== 'noeviction'))
    throw new ReplaySetError('evicting', 'Redis has a memory limit and may evict: set maxmemory-policy noeviction', {
      maxmemory: limit,
      maxmemory_policy: policy,
    })
}

/** Rejects when `work` takes longer than `deadline` seconds. */
function within<T>(deadline: number, work: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const late = (): void => reject(new ReplaySetError('timeout', 'Redis did not answer in time'))
    const timer = setTimeout(late, deadline * 1000)
    work.then(resolve, reject).finally(() => clearTimeout(timer))
  })
}

/** Runs the script, by its hash where Redis still knows it. */
function scriptRunner(link: RedisLink): { load(): Promise<void>; run(args: readonly string[]): Promise<unknown> } {
  let hash = ''
  const load = async (): Promise<void> => {
    hash = String(await link.send(['SCRIPT', 'LOAD', replayScript]))
  }
  const run = async (args: readonly string[]): Promise<unknown> => {
    try {
      return await link.send(['EVALSHA', hash, '4', ...args])
    } catch (error) {
      // Forgotten by a restart or SCRIPT FLUSH; nothing has run yet.
      if (!(error instanceof Error && error.message.startsWith('NOSCRIPT'))) throw error
      return link.send(['EVAL', replayScript, '4', ...args])
    }
  }
  return { load, run }
}

/**
 * A replay set in Redis, for several instances of one authority; verdicts and bounds are those of {@link memoryReplaySet}.
 * It outlives its processes, so the start rule holds only after Redis itself was started, flushed or replaced.
 * Without a verdict within the deadline `check` rejects, and so does this function: a request that may be a replay is not let pass.
 * @throws ReplaySetError `evicting` when Redis has a memory limit with another policy than `noeviction`; `unavailable`, `timeout`,
 * `overloaded` (all `transient`) when Redis is away, slow, or 10 000 checks wait for it
 * @see docs/protocol.md §3.7
 */
export async function redisReplaySet(options: RedisReplaySetOptions): Promise<RedisReplaySet> {
  const settings = settingsOf(options)
  const { prefix, window, capacity, share, deadline } = settings
  const clock = options.now ?? (() => Date.now() / 1000)
  let prepared: Promise<void> | undefined
  const renewed = (): void => {
    prepared = undefined
  }
  const link =
    options.client === undefined ? linkTo(options.url ?? '', deadline, renewed) : linkOver(options.client, renewed)
  const script = scriptRunner(link)
  let pending = 0

  const key = (kind: string, name: string): string => `{${prefix}}:${kind}:${name}`
  const run = (created: string, seen: string, partition: string, principal: string): Promise<unknown> =>
    script.run([
      key('epoch', ''),
      key('seen', seen),
      key('room', partition),
      key('share', principal),
      ...[String(clock()), created, String(window), String(capacity), String(share)],
    ])

  async function prepare(): Promise<void> {
    await refuseEviction(link)
    await script.load()
    await run('', '', '', '')
  }

  /** After every connection, since it may be to another Redis. */
  function ready(): Promise<void> {
    if (prepared !== undefined) return prepared
    const preparing = prepare()
    prepared = preparing
    preparing.catch(() => {
      if (prepared === preparing) prepared = undefined
    })
    return preparing
  }

  async function guarded<T>(work: () => Promise<T>): Promise<T> {
    if (pending >= pendingLimit) {
      link.suspect()
      throw new ReplaySetError('overloaded', 'too many checks wait for Redis')
    }
    pending++
    const working = work().finally(() => {
      pending--
    })
    try {
      return await within(deadline, working)
    } catch (error) {
      link.suspect()
      if (error instanceof ReplaySetError) throw error
      throw new ReplaySetError('unavailable', 'Redis gave no verdict', error)
    }
  }

  const hashed = async (...parts: readonly string[]): Promise<string> => base64urlEncode(await sha256(parts.join('\0')))

  async function judge(entry: ReplayEntry): Promise<ReplayVerdict> {
    const seen = await hashed(entry.authority, entry.thumbprint, entry.base)
    const principal = await hashed(entry.partition, entry.principal)
    await ready()
    const verdict = verdicts[Number(await run(String(entry.created), seen, entry.partition, principal))]
    if (verdict === undefined) throw new TypeError('the replay script answered with something else')
    return verdict
  }
  try {
    await guarded(async () => {
      await link.opened
      await ready()
    })
  } catch (error) {
    await link.close()
    throw error
  }
  return { check: entry => guarded(() => judge(entry)), close: () => link.close() }
}
