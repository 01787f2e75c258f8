import { textHash } from '@countersign/httpsig/internal'
import {
  epochScript,
  keyPrefix,
  leftAt,
  openSharedScript,
  type SharedScript,
} from '@countersign/httpsig/internal/redis'
import type { RedisPlace } from '@countersign/httpsig/redis'
import { checkOptions } from '@countersign/protocol/internal'
import {
  type GrantName,
  grantKey,
  type RevocationListener,
  type RevocationSet,
  revocationTolerance,
} from './revocation-set.js'

/** Which Redis remembers revoked grants. */
export interface RedisRevocationSetOptions extends RedisPlace {
  /** What its keys begin with, the same for all instances of a resource; no braces. Default `countersign:revoked`. */
  readonly prefix?: string
  /** Grants kept of each issuer. Default 50 000. */
  readonly capacity?: number
  /** Unix seconds; default the system clock. */
  readonly now?: () => number
}

/** A set that several instances share. */
export interface RedisRevocationSet extends RevocationSet {
  readonly since: number
  ready(): Promise<void>
  /** Ends a connection made from a URL, and the watch. */
  close(): Promise<void>
}

/** Milliseconds between two looks at what other instances have added. */
const watchPause = 400
/** Milliseconds after which a set that cannot be read ends what was opened under a grant. */
const blindLimit = 5000

/**
 * KEYS: the revocations of one issuer (a sorted set: grant by the time until which it is refused), the log of additions (a stream), the
 * epoch: since when all revocations are known here.
 * ARGV: `begin`, now, and `left` where an instance comes from another server → the start. `has`, now, grant → 1 where it is revoked, else
 * the start. `add`, now, grant, until, capacity, issuer → 1, or 0 where the share is full.
 * `log`, after → what was added after that entry, at most 1000; with an empty `after` the id of the last entry.
 */
const revocationScript = `${epochScript}
local function start(left)
  local epoch = redis.call('HMGET', KEYS[3], 'run', 'start')
  return 'start ' .. startOf(KEYS[3], { run = epoch[1], start = epoch[2] or nil }, { now = ARGV[2], left = left })
end
if ARGV[1] == 'begin' then return start(tonumber(ARGV[3])) end
if ARGV[1] == 'has' then
  local ends = redis.call('ZSCORE', KEYS[1], ARGV[3])
  return ends and tonumber(ends) > tonumber(ARGV[2]) and 1 or start()
end
if ARGV[1] == 'log' then
  if ARGV[2] ~= '' then return redis.call('XRANGE', KEYS[2], '(' .. ARGV[2], '+', 'COUNT', 1000) end
  local last = redis.call('XREVRANGE', KEYS[2], '+', '-', 'COUNT', 1)
  return last[1] and last[1][1] or '0-0'
end
local ends = tonumber(redis.call('ZSCORE', KEYS[1], ARGV[3]) or '0')
if ends == 0 then
  redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', ARGV[2])
  if redis.call('ZCARD', KEYS[1]) >= tonumber(ARGV[5]) then return 0 end
end
if tonumber(ARGV[4]) > ends then redis.call('ZADD', KEYS[1], ARGV[4], ARGV[3]) end
redis.call('XADD', KEYS[2], 'MAXLEN', '~', ARGV[5], '*', 'issuer', ARGV[6], 'grant', ARGV[3])
redis.call('EXPIRE', KEYS[1], 7500)
redis.call('EXPIRE', KEYS[2], 7500)
return 1
`

/**
 * Remembers revoked grants in Redis, for several instances of one resource. Each request with a revocable token asks it; where it does
 * not answer, such requests are refused with 503. A Redis that was started, flushed or replaced may have lost some: tokens issued before
 * that, or in the 5 s after it, are refused, and their agents get new ones.
 * @throws RedisError at the start: `evicting` when Redis may evict keys, which would revive what was revoked; `unavailable` or
 * `timeout` when it is not there
 * @see protocol §6.6
 */
export async function redisRevocationSet(options: RedisRevocationSetOptions): Promise<RedisRevocationSet> {
  checkOptions('redisRevocationSet', options, {
    ...{ client: 'object', url: 'string', deadline: 'number' },
    ...{ prefix: 'string', capacity: 'number', now: 'function' },
  })
  const { capacity = 50_000, now = () => Date.now() / 1000 } = options
  if (!(capacity >= 1)) throw new RangeError('capacity must be at least 1')
  const begin = keyPrefix(options.prefix ?? 'countersign:revoked')
  const [log, epoch] = [`${begin}:log`, `${begin}:since`]
  const beginning = (away?: number) => ({
    keys: [log, log, epoch],
    args: ['begin', String(now()), leftAt(now(), away)],
  })
  const script = await openSharedScript(options, { source: revocationScript, first: away => [beginning(away)] })
  const watcher = createWatcher(script, log)
  /** @param words what is asked, and what follows the time */
  const ask = (issuer: string, [what = '', ...words]: readonly string[]): Promise<unknown> =>
    script.run(async () => ({
      keys: [`${begin}:${await textHash(issuer)}`, log, epoch],
      args: [what, String(now()), ...words],
    }))
  let since = 0
  // Never earlier: what this process has refused as too old stays so.
  const learn = (answer: unknown): void => {
    const start = startIn(answer)
    // What was told last may be lost: whatever is open under a grant may be under one that has ended.
    if (since > 0 && start > since) watcher.lose()
    since = Math.max(since, start)
  }
  const ready = async (): Promise<void> => learn(await script.run(async () => beginning()))
  await ready().catch(async error => {
    await script.close()
    throw error
  })
  return {
    get since() {
      return since
    },
    ready,
    hasHeard: watcher.hasHeard,
    watch: watcher.watch,
    async has({ issuer, grant }) {
      const answer = await ask(issuer, ['has', grant])
      if (answer !== 1) learn(answer)
      return answer === 1
    },
    async add({ issuer, grant, exp }) {
      const until = String(Math.ceil(exp) + revocationTolerance)
      const answer = await ask(issuer, ['add', grant, until, String(capacity), issuer])
      if (Number(answer) !== 1) return 'full'
      watcher.hear({ issuer, grant })
      return 'kept'
    },
    async close() {
      watcher.close()
      await script.close()
    },
  }
}

/** Unix seconds. @throws TypeError for an answer that names no start */
function startIn(answer: unknown): number {
  const [, start] = /^start ([\d.]+)$/.exec(String(answer)) ?? []
  if (start === undefined) throw new TypeError('the set of revocations gave an unknown answer')
  return Number(start)
}

interface Watcher {
  watch(listener: RevocationListener): () => void
  hear(grant: GrantName): void
  hasHeard(grant: GrantName): boolean
  /** The set has lost what it knew. */
  lose(): void
  close(): void
}

/** Reads the log of additions while anything listens. */
function createWatcher(script: SharedScript, log: string): Watcher {
  const listeners = new Set<RevocationListener>()
  const heard = new Map<string, number>()
  let timer: ReturnType<typeof setTimeout> | undefined
  let last = ''
  let readAt = performance.now()
  const hear = (grant: GrantName): void => {
    const at = performance.now()
    heard.set(grantKey(grant), at)
    for (const listener of listeners) listener(grant)
    for (const [key, since] of heard) {
      if (since > at - 120_000) break
      heard.delete(key)
    }
  }
  const lose = (): void => {
    for (const listener of listeners) listener('unknown')
  }
  const look = async (): Promise<void> => {
    try {
      const answer = await script.run(async () => ({ keys: [log, log], args: ['log', last] }))
      if (last === '') last = String(answer)
      else
        for (const { id, grant } of additionsIn(answer)) {
          last = id
          hear(grant)
        }
      readAt = performance.now()
    } catch {
      if (performance.now() > readAt + blindLimit) lose()
    }
    if (listeners.size > 0) next()
  }
  const next = (): void => {
    timer = setTimeout(() => void look(), watchPause)
    if (typeof timer === 'object') timer.unref?.()
  }
  return {
    hear,
    lose,
    hasHeard: grant => heard.has(grantKey(grant)),
    watch(listener) {
      listeners.add(listener)
      if (listeners.size === 1) {
        readAt = performance.now()
        void look()
      }
      return () => {
        listeners.delete(listener)
        if (listeners.size === 0) clearTimeout(timer)
      }
    },
    close() {
      listeners.clear()
      clearTimeout(timer)
    },
  }
}

function additionsIn(answer: unknown): Array<{ readonly id: string; readonly grant: GrantName }> {
  if (!Array.isArray(answer)) throw new TypeError('the log of revocations is not a list')
  return answer.map(entry => {
    const [id, fields] = entry as [string, readonly string[]]
    const [, issuer = '', , grant = ''] = fields
    return { id, grant: { issuer, grant } }
  })
}
