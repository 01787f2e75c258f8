import { redisAddress } from './address.js'
import { openCluster, openingDeadlines, type RedisServers } from './cluster.js'
import { RedisError, withDeadline } from './error.js'
import { linkOver, linkTo, type RedisConnection } from './link.js'
import { openNode, type RedisNode, type RedisScript, type ScriptRun } from './node.js'

export type { RedisScript, ScriptRun }

/** Which Redis to use, and how long it may take. */
export interface RedisPlace {
  /** A connected client of the npm package `redis`, of one server, which is never closed here. Either this or `url`. */
  readonly client?: RedisConnection
  /**
   * `redis://` or `rediss://`, for a connection of its own; `redis://HOST:PORT,HOST:PORT,…` with some nodes, or
   * `redis://HOST:PORT?cluster=true`, for a Redis Cluster.
   */
  readonly url?: string
  /** How long Redis may take, seconds; default 1. */
  readonly deadline?: number
}

/** A script that several instances run in one Redis, or Redis Cluster. */
export interface SharedScript {
  /** Whether keys are on several servers, in slots. */
  readonly isCluster: boolean
  /**
   * @param run called only when there is room for one more run, so that refused requests cost no hashing
   * @throws RedisError when there is no answer within the deadline
   */
  run(run: () => Promise<ScriptRun>): Promise<unknown>
  /** Ends a connection made from a URL. */
  close(): Promise<void>
}

const notAlone =
  ': it is a node of a Redis Cluster, whose URL is redis://HOST:PORT,HOST:PORT,… or redis://HOST:PORT?cluster=true'

function isMoved(error: unknown): boolean {
  return error instanceof Error && error.message.startsWith('MOVED')
}

// Commands cannot be withdrawn once they are sent: a Redis that hangs must not collect them without limit.
const pendingLimit = 10_000

/** Whether the keys of a place are on several servers. @throws TypeError for neither or both of `client` and `url`, or a wrong URL */
export function isClusterPlace({ client, url }: RedisPlace): boolean {
  if ((client === undefined) === (url === undefined))
    throw new TypeError('a shared store in Redis needs either client or url')
  if (client !== undefined && 'nodeByAddress' in client)
    throw new TypeError('client is of one Redis: for a Redis Cluster give url, redis://HOST:PORT,HOST:PORT,…')
  return url !== undefined && redisAddress(url).isCluster
}

function serversOf(place: RedisPlace, deadline: number, script: RedisScript): RedisServers {
  const { client, url = '' } = place
  if (isClusterPlace(place)) return openCluster(redisAddress(url).urls, deadline, script)
  const linked = (renewed: () => void) =>
    client === undefined ? linkTo(url, deadline, renewed) : linkOver(client, renewed)
  const node = openNode(linked, script, () => true)
  return {
    isCluster: false,
    prepared: () => node.prepared(),
    run(run, used) {
      used(node)
      return node.run(run)
    },
    close: () => node.close(),
  }
}

/**
 * Opens a Redis or Redis Cluster, and prepares it for a script.
 * @throws RedisError `evicting` when Redis has a memory limit with another policy than `noeviction`; `unavailable`, `timeout`,
 * `overloaded` (all `transient`) when Redis is unreachable, slow, or has 10 000 runs waiting
 * @throws TypeError for neither or both of `client` and `url`, RangeError for a deadline that is not positive
 */
export async function openSharedScript(place: RedisPlace, script: RedisScript): Promise<SharedScript> {
  const { deadline = 1 } = place
  if (!(deadline > 0 && deadline <= 600)) throw new RangeError('deadline must be seconds above 0, at most 600')
  const servers = serversOf(place, deadline, script)
  let pending = 0

  async function guarded<T>(work: (used: (node: RedisNode) => void) => Promise<T>, seconds = deadline): Promise<T> {
    if (pending >= pendingLimit) throw new RedisError('overloaded', 'too many requests wait for Redis')
    pending++
    let asked: RedisNode | undefined
    const working = work(node => {
      asked = node
    }).finally(() => {
      pending--
    })
    try {
      return await withDeadline(seconds, working)
    } catch (error) {
      asked?.suspect()
      if (error instanceof RedisError) throw error
      throw new RedisError('unavailable', `Redis gave no answer${isMoved(error) ? notAlone : ''}`, error)
    }
  }

  try {
    await guarded(() => servers.prepared(), servers.isCluster ? deadline * openingDeadlines : deadline)
  } catch (error) {
    await servers.close()
    throw error
  }
  return {
    isCluster: servers.isCluster,
    run: run => guarded(async used => servers.run(await run(), used)),
    close: () => servers.close(),
  }
}

/**
 * The prefix of all keys of one script: in braces, so that a cluster keeps them in one slot.
 * @param tag what is in the braces beside the prefix; scripts on other tags may run on other servers
 * @throws TypeError for an empty one, or one with braces of its own
 */
export function keyPrefix(prefix: string, tag?: string): string {
  if (prefix === '' || /[{}]/.test(prefix)) throw new TypeError('prefix must not be empty and holds no braces')
  return tag === undefined ? `{${prefix}}` : `{${prefix}:${tag}}`
}
