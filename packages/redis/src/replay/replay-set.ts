import type { ReplayEntry, ReplayRoomOptions, ReplaySet, ReplayVerdict, TokenUse } from '@countersign/httpsig'
import { fullWait, replayRoomOf, textHash, tokenEntry, tokenRoom } from '@countersign/httpsig/internal'
import { checkOptions } from '@countersign/protocol/internal'
import { RedisError } from '../servers/error.js'
import { isClusterPlace, openSharedScript, type RedisPlace, type SharedScript } from '../servers/shared-script.js'
import { type ReplayParts, replayParts } from './parts.js'
import { replayScript } from './script.js'

/** The options of {@link redisReplaySet}. Instances that share a set must use the same values. */
export interface RedisReplaySetOptions extends RedisPlace, ReplayRoomOptions {
  /** The prefix of its keys, without braces, the same for all instances of an authority. Default `countersign:replay`. */
  readonly prefix?: string
  /** Unix seconds; default the system clock. */
  readonly now?: () => number
}

/** A replay set that several instances share. */
export interface RedisReplaySet extends ReplaySet {
  seen(entry: ReplayEntry): Promise<boolean>
  takeToken(use: TokenUse): Promise<ReplayVerdict>
  usedToken(use: TokenUse): Promise<boolean>
  ready(): Promise<void>
  /** Ends a connection made from a URL. */
  close(): Promise<void>
}

const verdicts: readonly ReplayVerdict[] = ['fresh', 'replayed', 'early', 'full']

/** Characters of base64url, 132 bits: collisions cannot be found. */
const hashLength = 22

/**
 * A replay set in Redis, for several instances of one authority; verdicts and bounds are those of `memoryReplaySet`.
 * It outlives its processes: requests are `early` only after Redis itself was started, flushed or replaced, or an instance has come
 * back from another Redis.
 * Without a verdict within the deadline `check` rejects: a request that may be a replay is refused.
 * @throws RedisError `evicting` when Redis has a memory limit with another policy than `noeviction`; `unavailable`, `timeout`,
 * `overloaded` (all `transient`) when Redis is unreachable, slow, or has 10 000 checks waiting
 * @throws RangeError for a number that is not positive, TypeError for another option that is wrong
 * @see protocol §3.7
 */
export async function redisReplaySet(options: RedisReplaySetOptions): Promise<RedisReplaySet> {
  checkOptions('redisReplaySet', options, {
    client: 'object',
    url: 'string',
    deadline: 'any',
    prefix: 'string',
    now: 'function',
    window: 'any',
    rate: 'any',
    capacity: 'any',
    siteShare: 'any',
    share: 'any',
  })
  const { prefix = 'countersign:replay', now: clock = () => Date.now() / 1000 } = options
  const parts = { isCluster: isClusterPlace(options), prefix, clock }
  const requests = replayParts(replayRoomOf(options), { ...parts, names: '' })
  const tokens = replayParts(replayRoomOf({ ...options, ...tokenRoom(options) }), { ...parts, names: 'token-' })
  const script = await openSharedScript(options, {
    source: replayScript,
    first: away => [...requests.all, ...tokens.all].map(runOn => runOn('', away === undefined ? '' : String(away))),
  })
  return {
    check,
    seen: entry => seen(script, requests, entry),
    takeToken: use => judge(script, tokens, tokenEntry(use)),
    usedToken: use => seen(script, tokens, tokenEntry(use)),
    ready,
    close: () => script.close(),
  }

  async function check(entry: ReplayEntry): Promise<ReplayVerdict> {
    const verdict = await judge(script, requests, entry)
    // Redis may have lost all: the set of tokens begins anew now. With the first token it would refuse that one, issued before.
    if (verdict === 'early') await begun(script, tokens)
    return verdict
  }

  /** A set that was made in this second is ready in the next one. */
  async function ready(): Promise<void> {
    const [answers] = await Promise.all([begun(script, requests), begun(script, tokens)])
    if (answers.every(answer => Number(answer) === 0)) return
    await fullWait(1 - (clock() % 1))
  }
}

async function judge(script: SharedScript, { partOf }: ReplayParts, entry: ReplayEntry): Promise<ReplayVerdict> {
  const { authority, thumbprint, base, partition, principal, site } = entry
  const answer = await script.run(async () => {
    const request = await hashed(authority, thumbprint, base)
    return partOf(request)(
      ...[String(entry.created), partition, request],
      ...[await hashed(partition, principal), site === undefined ? '' : await hashed(partition, site)],
    )
  })
  const verdict = verdicts[Number(answer)]
  if (verdict === undefined) throw new RedisError('unavailable', 'the replay script gave an unknown answer')
  return verdict
}

async function seen(script: SharedScript, { partOf }: ReplayParts, entry: ReplayEntry): Promise<boolean> {
  const { authority, thumbprint, base, created, partition } = entry
  const answer = await script.run(async () => {
    const request = await hashed(authority, thumbprint, base)
    return partOf(request)(String(created), partition, request, '', '', 'seen')
  })
  return Number(answer) === 1
}

/** Begins the parts that Redis does not have, as of now. */
function begun(script: SharedScript, { all }: ReplayParts): Promise<unknown[]> {
  return Promise.all(all.map(runOn => script.run(async () => runOn(''))))
}

async function hashed(...parts: readonly string[]): Promise<string> {
  return (await textHash(parts.join('\0'))).slice(0, hashLength)
}
