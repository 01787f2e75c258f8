import { textHash } from '@countersign/httpsig/internal'
import { checkOptions, clockTolerance } from '@countersign/protocol/internal'
import {
  type CallWindow,
  type Count,
  type CountedCall,
  type Counter,
  memoryCounter,
  type Rate,
} from '@countersign/resource'
import { keyPrefix, openSharedScript, type RedisPlace, type SharedScript } from '../servers/shared-script.js'

/** Which Redis counts, and what happens without it. */
export interface RedisCounterOptions extends RedisPlace {
  /** What its keys begin with, the same for all instances of a resource; no braces. Default `countersign:count`. */
  readonly prefix?: string
  /** Keys that this process remembers while Redis is away; default 100 000. */
  readonly capacity?: number
  /** Called when counting changes from shared to local, with the error of Redis, and back. */
  readonly onChange?: (counting: 'shared' | 'local', cause?: unknown) => void
}

/** A counter that several instances share. */
export interface RedisCounter extends Counter {
  takeCall(call: CountedCall): Promise<readonly CallWindow[]>
  readonly isLasting: true
  /** Ends a connection made from a URL. */
  close(): Promise<void>
}

/** Milliseconds for which a Redis that failed is not asked again: each request would wait for the deadline. */
const pause = 1000

/**
 * Adds one to a key, in a window that begins with its first request and ends by the clock of Redis, which all instances share.
 * With `back` subtracts one, if the window still runs.
 * A key without an end (a crash lost its PEXPIRE) gets one: otherwise it would block its caller for ever.
 *
 * With `call` adds one to each of several keys, or to none where one has reached its maximum, and returns the places of those. ARGV:
 * milliseconds kept, `call` or `look`, then maximum and milliseconds of each.
 */
const countScript = `
if ARGV[2] == 'call' or ARGV[2] == 'look' then
  local used = {}
  for i = 1, #KEYS do
    local held = tonumber(redis.call('GET', KEYS[i]) or '0')
    if held >= tonumber(ARGV[1 + 2 * i]) then used[#used + 1] = i - 1 end
  end
  if #used > 0 or ARGV[2] == 'look' then return used end
  for i = 1, #KEYS do
    redis.call('INCR', KEYS[i])
    redis.call('PEXPIRE', KEYS[i], ARGV[2 + 2 * i])
  end
  return used
end
if ARGV[2] == 'back' then
  local held = tonumber(redis.call('GET', KEYS[1]) or '0')
  if held > 0 then redis.call('DECR', KEYS[1]) end
  return { math.max(held - 1, 0), 0 }
end
local count = redis.call('INCR', KEYS[1])
local left = redis.call('PTTL', KEYS[1])
if left < 0 then
  left = tonumber(ARGV[1])
  redis.call('PEXPIRE', KEYS[1], ARGV[1])
end
return { count, left }
`

/**
 * Counts in Redis, for several instances of one resource. Its keys are hashes.
 *
 * Without Redis each instance counts for itself, in memory, and asks Redis again a second later: a limit is then as many times
 * higher as there are instances, and no caller is refused that Redis would have let in. Whether a request is a replay must not be
 * guessed: a replay set in the same Redis refuses requests by itself. Nor are calls under policies counted in one instance alone: they
 * are refused with 503.
 * @throws RedisError at the start only: `evicting` when Redis has a memory limit with another policy than `noeviction`, which
 * would let a flood of keys push out the counts that hold it back; `unavailable` or `timeout` when it is not there
 */
export async function redisCounter(options: RedisCounterOptions): Promise<RedisCounter> {
  checkOptions('redisCounter', options, {
    client: 'object',
    url: 'string',
    deadline: 'number',
    prefix: 'string',
    capacity: 'number',
    onChange: 'function',
  })
  const { prefix = 'countersign:count' } = options
  const begin = keyPrefix(prefix)
  const local = memoryCounter(options.capacity === undefined ? {} : { capacity: options.capacity })
  const script = await openSharedScript(options, { source: countScript })
  // In a cluster each count may be on another node.
  const keyOf = (hash: string): string => (script.isCluster ? keyPrefix(prefix, hash) : `${begin}:${hash}`)
  let askAgain = 0
  let asking = false
  let counting: 'shared' | 'local' = 'shared'
  const change = (to: 'shared' | 'local', cause?: unknown): void => {
    if (counting === to) return
    counting = to
    options.onChange?.(to, cause)
  }
  return {
    async take(key, rate) {
      // Of a crowd one finds out whether Redis is back; the others need not wait for the deadline.
      if (counting === 'local' && (asking || performance.now() < askAgain)) return local.take(key, rate)
      asking = true
      try {
        const answer = await script.run(async () => ({
          keys: [keyOf(await hashed(key, rate))],
          args: [String(rate.seconds * 1000)],
        }))
        const count = countOf(answer, rate)
        change('shared')
        return count
      } catch (error) {
        askAgain = performance.now() + pause
        change('local', error)
        return local.take(key, rate)
      } finally {
        asking = false
      }
    },
    async giveBack(key, rate) {
      if (counting === 'local') return local.giveBack(key, rate)
      try {
        await script.run(async () => ({ keys: [keyOf(await hashed(key, rate))], args: ['', 'back'] }))
      } catch {
        // It stays counted until its window ends.
      }
    },
    takeCall: call => takeCall(call, begin, script),
    isLasting: true,
    close: () => script.close(),
  }
}

/** Milliseconds that a window is kept after its end: clocks of instances differ, and one that is ahead must not end the count of others. */
const callMargin = 2 * clockTolerance * 1000

/** Milliseconds that a count is kept at most after its last call: ten years. Redis takes no number without end. */
const longestCount = 10 * 365 * 86_400_000

async function takeCall(
  { windows, now, only }: CountedCall,
  begin: string,
  script: SharedScript,
): Promise<readonly CallWindow[]> {
  const answer = await script.run(async () => {
    const keys = windows.map(async ({ key }) => `${begin}:calls:${await textHash(key)}`)
    const each = windows.flatMap(({ max, ends }) => {
      const kept = Math.ceil(Math.max(ends - now, 0) * 1000) + callMargin
      return [String(max), String(Math.min(kept, longestCount))]
    })
    return { keys: await Promise.all(keys), args: ['', only ?? 'call', ...each] }
  })
  if (!Array.isArray(answer)) throw new TypeError('the script that counts answered with something else')
  return answer.map(place => windows[Number(place)]).filter(window => window !== undefined)
}

function countOf(answer: unknown, rate: Rate): Count {
  const [count, left] = Array.isArray(answer) ? answer.map(Number) : []
  if (count === undefined || left === undefined || !(count >= 1) || !(left >= 0))
    throw new TypeError('the script that counts answered with something else')
  return { within: count <= rate.count, remaining: Math.max(rate.count - count, 0), seconds: left / 1000 }
}

/** With its window: where a limit per day was made one per minute, no caller waits for the end of that day. */
function hashed(key: string, { seconds }: Rate): Promise<string> {
  return textHash(`${seconds} ${key}`)
}
