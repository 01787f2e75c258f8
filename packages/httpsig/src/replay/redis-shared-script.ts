import { RedisError } from './redis-error.js'
import { linkOver, linkTo, type RedisConnection, type RedisLink } from './redis-link.js'

/** Which Redis to use, and how long it may take. */
export interface RedisPlace {
  /** A connected client of the npm package `redis`, which is never closed here. Either this or `url`. */
  readonly client?: RedisConnection
  /** `redis://` or `rediss://`, for a connection of its own. */
  readonly url?: string
  /** How long Redis may take, seconds; default 1. */
  readonly deadline?: number
}

/** A script that Redis runs atomically. */
export interface RedisScript {
  /** Lua. */
  readonly source: string
  /** How many of its arguments are keys. */
  readonly keys: number
  /** Run once after every connection, with the script loaded. */
  prepare?(run: (args: readonly string[]) => Promise<unknown>): Promise<void>
}

/** A script that several instances run in one Redis. */
export interface SharedScript {
  /**
   * @param args called only when there is room for one more run, so that refused requests cost no hashing
   * @throws RedisError when there is no answer within the deadline
   */
  run(args: () => Promise<readonly string[]>): Promise<unknown>
  /** Ends a connection made from a URL. */
  close(): Promise<void>
}

// Commands cannot be withdrawn once they are sent: a Redis that hangs must not collect them without limit.
const pendingLimit = 10_000

/** With `noeviction` a full Redis refuses writes. Any other policy drops entries silently: replays would pass, limits would not hold. */
async function refuseEviction(link: RedisLink): Promise<void> {
  const memory = String(await link.send(['INFO', 'memory']))
  const limit = /^maxmemory:(\d+)\r?$/m.exec(memory)?.[1]
  const policy = /^maxmemory_policy:([a-z-]+)\r?$/m.exec(memory)?.[1]
  if (limit === undefined || policy === undefined || (limit !== '0' && policy !== 'noeviction'))
    throw new RedisError('evicting', 'Redis has a memory limit and may evict: set maxmemory-policy noeviction', {
      maxmemory: limit,
      maxmemory_policy: policy,
    })
}

/** Rejects when `work` takes longer than `deadline` seconds. */
function withDeadline<T>(deadline: number, work: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const late = (): void => reject(new RedisError('timeout', 'Redis did not answer in time'))
    const timer = setTimeout(late, deadline * 1000)
    work.then(resolve, reject).finally(() => clearTimeout(timer))
  })
}

/** Runs the script, by its hash where Redis still knows it. */
function scriptRunner(
  link: RedisLink,
  { source, keys }: RedisScript,
): { load(): Promise<void>; run(args: readonly string[]): Promise<unknown> } {
  let hash = ''
  const load = async (): Promise<void> => {
    hash = String(await link.send(['SCRIPT', 'LOAD', source]))
  }
  const run = async (args: readonly string[]): Promise<unknown> => {
    try {
      return await link.send(['EVALSHA', hash, String(keys), ...args])
    } catch (error) {
      // Redis lost the script by a restart or SCRIPT FLUSH, and has run nothing yet.
      if (!(error instanceof Error && error.message.startsWith('NOSCRIPT'))) throw error
      return link.send(['EVAL', source, String(keys), ...args])
    }
  }
  return { load, run }
}

/**
 * Opens a Redis and prepares it for a script, again after each reconnection, since that may be to another Redis.
 * @throws RedisError `evicting` when Redis has a memory limit with another policy than `noeviction`; `unavailable`, `timeout`,
 * `overloaded` (all `transient`) when Redis is unreachable, slow, or has 10 000 runs waiting
 * @throws TypeError for neither or both of `client` and `url`, RangeError for a deadline that is not positive
 */
export async function openSharedScript(place: RedisPlace, script: RedisScript): Promise<SharedScript> {
  const { client, url, deadline = 1 } = place
  if ((client === undefined) === (url === undefined))
    throw new TypeError('a shared store in Redis needs either client or url')
  if (!(deadline > 0 && deadline <= 600)) throw new RangeError('deadline must be seconds above 0, at most 600')
  let prepared: Promise<void> | undefined
  const renewed = (): void => {
    prepared = undefined
  }
  const link = client === undefined ? linkTo(url ?? '', deadline, renewed) : linkOver(client, renewed)
  const runner = scriptRunner(link, script)
  let pending = 0

  async function prepare(): Promise<void> {
    await refuseEviction(link)
    await runner.load()
    await script.prepare?.(runner.run)
  }

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
      throw new RedisError('overloaded', 'too many requests wait for Redis')
    }
    pending++
    const working = work().finally(() => {
      pending--
    })
    try {
      return await withDeadline(deadline, working)
    } catch (error) {
      link.suspect()
      if (error instanceof RedisError) throw error
      throw new RedisError('unavailable', 'Redis gave no answer', error)
    }
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
  const run = async (args: () => Promise<readonly string[]>): Promise<unknown> => {
    const made = await args()
    await ready()
    return runner.run(made)
  }
  return { run: args => guarded(() => run(args)), close: () => link.close() }
}

/**
 * The prefix of all keys of one script: in braces, so that a cluster keeps them in one slot.
 * @throws TypeError for an empty one, or one with braces of its own
 */
export function keyPrefix(prefix: string): string {
  if (prefix === '' || /[{}]/.test(prefix)) throw new TypeError('prefix must not be empty and holds no braces')
  return `{${prefix}}`
}
