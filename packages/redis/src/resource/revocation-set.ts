import { textHash } from '@countersign/httpsig/internal'
import { checkOptions } from '@countersign/protocol/internal'
import type { GrantName, RevocationListener, RevocationSet } from '@countersign/resource'
import { grantKey, revocationTolerance } from '@countersign/resource/internal'
import { epochScript } from '../servers/epoch.js'
import { keyPrefix, openSharedScript, type RedisPlace } from '../servers/shared-script.js'

/** Which Redis remembers revoked grants. */
export interface RedisRevocationSetOptions extends RedisPlace {
  /** What its keys begin with, the same for all instances of a resource; no braces. Default `countersign:revoked`. */
  readonly prefix?: string
  /** Grants kept of each issuer. Default 50 000. */
  readonly capacity?: number
  /** Unix seconds; default the system clock. */
  readonly now?: () => number
  /** Seconds of a clock that is never set; default that of the platform. */
  readonly monotonic?: () => number
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

/** Seconds by which the clock of Redis may be ahead of one's own and still count: one that is further off says nothing. */
const believed = 60

/**
 * KEYS: the revocations of one issuer (a sorted set: grant by the time until which it is kept, by the clock of Redis), the log of
 * additions (a stream), the epoch: since when all revocations are known here.
 * ARGV: `begin`, and `away` where an instance comes from another server → the start. `has`, grant → 1 where it is revoked, else the
 * start. `add`, grant, seconds for which it is kept, capacity, issuer → 1, or 0 where the share is full.
 * `log`, after → the start, and what was added after that entry, at most 1000; with an empty `after` the id of the last entry.
 *
 * What has ended makes room by the clock of Redis: an instance whose clock is ahead would revive what others still have to refuse. A
 * grant that is kept is revoked, whatever the time: no other grant has its name.
 */
const revocationScript = `${epochScript}
local function start(away)
  local epoch = redis.call('HMGET', KEYS[3], 'run', 'start')
  local _, mark = epochAge(KEYS[3], { run = epoch[1], start = epoch[2] or nil }, away)
  return mark .. ' ' .. string.format('%.6f', at)
end
if ARGV[1] == 'begin' then return start(tonumber(ARGV[2])) end
if ARGV[1] == 'has' then return redis.call('ZSCORE', KEYS[1], ARGV[2]) and 1 or start() end
if ARGV[1] == 'log' then
  if ARGV[2] ~= '' then return { start(), redis.call('XRANGE', KEYS[2], '(' .. ARGV[2], '+', 'COUNT', 1000) } end
  local last = redis.call('XREVRANGE', KEYS[2], '+', '-', 'COUNT', 1)
  return { start(), last[1] and last[1][1] or '0-0' }
end
local ends = tonumber(redis.call('ZSCORE', KEYS[1], ARGV[2]) or '0')
if ends == 0 then
  redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', at)
  if redis.call('ZCARD', KEYS[1]) >= tonumber(ARGV[4]) then return 0 end
end
local kept = at + tonumber(ARGV[3])
if kept > ends then redis.call('ZADD', KEYS[1], kept, ARGV[2]) end
redis.call('XADD', KEYS[2], 'MAXLEN', '~', ARGV[4], '*', 'issuer', ARGV[5], 'grant', ARGV[2])
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
    client: 'object',
    url: 'string',
    deadline: 'number',
    prefix: 'string',
    capacity: 'number',
    now: 'function',
    monotonic: 'function',
  })
  const { capacity = 50_000, now = () => Date.now() / 1000 } = options
  if (!(capacity >= 1)) throw new RangeError('capacity must be at least 1')
  const begin = keyPrefix(options.prefix ?? 'countersign:revoked')
  const [log, epoch] = [`${begin}:log`, `${begin}:since`]
  const beginning = (away?: number) => ({
    keys: [log, log, epoch],
    args: ['begin', away === undefined ? '' : String(away)],
  })
  const script = await openSharedScript(options, { source: revocationScript, first: away => [beginning(away)] })
  const begun = createStart({ now, ...options }, () => watcher.lose())
  const watcher = createWatcher(async last => {
    const answer = await script.run(async () => ({ keys: [log, log, epoch], args: ['log', last] }))
    const [start, additions] = Array.isArray(answer) ? answer : []
    begun.learn(start)
    return additions
  })
  const ask = (issuer: string, args: readonly string[]): Promise<unknown> =>
    script.run(async () => ({ keys: [`${begin}:${await textHash(issuer)}`, log, epoch], args }))
  const ready = async (): Promise<void> => begun.learn(await script.run(async () => beginning()))
  await ready().catch(async error => {
    await script.close()
    throw error
  })
  return {
    get since() {
      return begun.since()
    },
    ready,
    hasHeard: watcher.hasHeard,
    watch: watcher.watch,
    async has({ issuer, grant }) {
      const answer = await ask(issuer, ['has', grant])
      if (answer !== 1) begun.learn(answer)
      return answer === 1
    },
    async add({ issuer, grant, exp }) {
      const life = String(Math.ceil(exp - now()) + revocationTolerance)
      const answer = await ask(issuer, ['add', grant, life, String(capacity), issuer])
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

interface Start {
  /** @throws TypeError for an answer that names no start */
  learn(answer: unknown): void
  /** Unix seconds of this process. */
  since(): number
}

/**
 * Since when the set knows all, as told by Redis: when its mark was made, and the time there. It counts as an age, by a clock that is
 * never set: what this process has refused as too old stays so. A clock of Redis that is minutes off neither shuts nor opens anything.
 * Where both clocks differ by less, the later start counts: tokens that were issued before are refused by both.
 */
function createStart(
  {
    now,
    monotonic = () => performance.now() / 1000,
  }: Required<Pick<RedisRevocationSetOptions, 'now'>> & Pick<RedisRevocationSetOptions, 'monotonic'>,
  lose: () => void,
): Start {
  let mark = ''
  let born = Number.NEGATIVE_INFINITY
  let ahead = 0
  return {
    learn(answer) {
      const [, told = '', at] = /^([\d.]+) ([\d.]+)$/.exec(String(answer)) ?? []
      if (at === undefined) throw new TypeError('the set of revocations gave an unknown answer')
      // What was told last may be lost: whatever is open under a grant may be under one that has ended.
      if (told !== mark && mark !== '') lose()
      mark = told
      born = Math.max(born, monotonic() - (Number(at) - Number(told)))
      const isAhead = Number(at) - now()
      ahead = isAhead <= believed ? Math.max(isAhead, 0) : 0
    },
    since: () => now() + ahead - (monotonic() - born),
  }
}

interface Watcher {
  watch(listener: RevocationListener): () => void
  hear(grant: GrantName): void
  hasHeard(grant: GrantName): boolean
  /** The set has lost what it knew. */
  lose(): void
  close(): void
}

/**
 * Reads the log of additions while anything listens.
 * @param read what was added after an entry; with an empty text the id of the last one
 */
function createWatcher(read: (last: string) => Promise<unknown>): Watcher {
  // bound: one for each resource; grown by the program
  const listeners = new Set<RevocationListener>()
  const heard = heardLately()
  let timer: ReturnType<typeof setTimeout> | undefined
  let last = ''
  let readAt = performance.now()
  const tell = (revoked: GrantName | 'unknown'): void => {
    for (const listener of listeners) listener(revoked)
  }
  const hear = (grant: GrantName): void => {
    heard.add(grant)
    tell(grant)
  }
  const look = async (): Promise<void> => {
    const from = last
    try {
      const answer = await read(from)
      // Else the set has lost what it knew meanwhile, and is read from its beginning.
      if (last === from) {
        if (from === '') last = String(answer)
        else
          for (const { id, grant } of additionsIn(answer)) {
            last = id
            hear(grant)
          }
      }
      readAt = performance.now()
    } catch {
      if (performance.now() > readAt + blindLimit) tell('unknown')
    }
    if (listeners.size > 0) next()
  }
  const next = (): void => {
    timer = setTimeout(() => void look(), watchPause)
    if (typeof timer === 'object') timer.unref?.()
  }
  return {
    hear,
    lose() {
      // The log begins anew, with ids by a clock that may be behind the one before.
      last = '0-0'
      tell('unknown')
    },
    hasHeard: heard.has,
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

/** Remembers what was heard for two minutes. */
function heardLately(): { add(grant: GrantName): void; has(grant: GrantName): boolean } {
  // bound: what listed auth servers revoke in two minutes, at most the capacity of each; bytes:
  // 150 × capacity × issuers; grown by a peer; shared: each issuer has its capacity in Redis; filled by
  // revocation-set.test.ts "the share of an issuer is fixed"
  const heard = new Map<string, number>()
  return {
    add(grant) {
      const at = performance.now()
      heard.set(grantKey(grant), at)
      for (const [key, since] of heard) {
        if (since > at - 120_000) break
        heard.delete(key)
      }
    },
    has: grant => heard.has(grantKey(grant)),
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
