import { base64urlEncode } from '#base64url'
import { sha256 } from '#crypto'
import { RedisError } from './redis-error.js'
import { replayScript } from './redis-script.js'
import { keyPrefix, openSharedScript, type RedisPlace } from './redis-shared-script.js'
import type { ReplayEntry, ReplaySet, ReplayVerdict } from './replay-set.js'

/** Which Redis holds a replay set, and how large and how long-lived it is. Instances that share one use the same values. */
export interface RedisReplaySetOptions extends RedisPlace {
  /** What its keys begin with, the same for all instances of an authority; no braces. Default `countersign:replay`. */
  readonly prefix?: string
  /** How long an entry is kept, seconds: twice the tolerance of `created`; default 120. */
  readonly window?: number
  /** Entries per partition; default 100 000. */
  readonly capacity?: number
  /** Entries per principal within its partition; default 10 000. */
  readonly share?: number
  /** Unix seconds; default the system clock. */
  readonly now?: () => number
}

/** A replay set that several instances share. */
export interface RedisReplaySet extends ReplaySet {
  /** Ends a connection made from a URL. */
  close(): Promise<void>
}

const verdicts: readonly ReplayVerdict[] = ['fresh', 'replayed', 'early', 'full']

/**
 * A replay set in Redis, for several instances of one authority; verdicts and bounds are those of {@link memoryReplaySet}.
 * It outlives its processes, so the start rule holds only after Redis itself was started, flushed or replaced.
 * Without a verdict within the deadline `check` rejects, and so does this function: a request that may be a replay is not let pass.
 * @throws RedisError `evicting` when Redis has a memory limit with another policy than `noeviction`; `unavailable`, `timeout`,
 * `overloaded` (all `transient`) when Redis is away, slow, or 10 000 checks wait for it
 * @see docs/protocol.md §3.7
 */
export async function redisReplaySet(options: RedisReplaySetOptions): Promise<RedisReplaySet> {
  const { prefix = 'countersign:replay', window = 120, capacity = 100_000, share = 10_000 } = options
  if (!(window > 0) || !(capacity > 0) || !(share > 0))
    throw new RangeError('window, capacity and share must be positive')
  const clock = options.now ?? (() => Date.now() / 1000)
  const begin = keyPrefix(prefix)
  const key = (kind: string, name: string): string => `${begin}:${kind}:${name}`
  const argumentsOf = (created: string, seen: string, partition: string, principal: string): string[] => [
    key('epoch', ''),
    key('seen', seen),
    key('room', partition),
    key('share', principal),
    ...[String(clock()), created, String(window), String(capacity), String(share)],
  ]
  const script = await openSharedScript(options, {
    source: replayScript,
    keys: 4,
    async prepare(run) {
      await run(argumentsOf('', '', '', ''))
    },
  })
  return { check: entry => judge(entry), close: () => script.close() }

  async function judge(entry: ReplayEntry): Promise<ReplayVerdict> {
    const answer = await script.run(async () => {
      const seen = await hashed(entry.authority, entry.thumbprint, entry.base)
      const principal = await hashed(entry.partition, entry.principal)
      return argumentsOf(String(entry.created), seen, entry.partition, principal)
    })
    const verdict = verdicts[Number(answer)]
    if (verdict === undefined) throw new RedisError('unavailable', 'the replay script answered with something else')
    return verdict
  }
}

async function hashed(...parts: readonly string[]): Promise<string> {
  return base64urlEncode(await sha256(parts.join('\0')))
}
