import { checkOptions } from '../internal/check-options.js'

/**
 * The times of an issuer's keys, all in seconds.
 * @see protocol §10
 */
export interface KeySchedule {
  /** How long a key signs; at least `publishAhead`. */
  readonly rotateEvery: number
  /** How long a key is published before it signs, at least 30. When it is longer than caches keep a set, they need not refetch. */
  readonly publishAhead: number
  /** The longest life of the tokens that the keys sign. */
  readonly tokenLifetime: number
  /** How long after its `exp` the issuer itself must be able to verify a token; default 0. */
  readonly grace?: number
}

/** The times of one key, in Unix seconds. */
export interface ScheduledKey {
  /** When it is first published. */
  readonly published: number
  /** When it begins to sign; it ends when the next key begins. */
  readonly signs: number
}

/** What to do with the keys at one moment. */
export interface KeyPlan<K extends ScheduledKey> {
  /** The key that signs; undefined when none may sign yet. */
  readonly signing: K | undefined
  /** The keys in the JWK set, the oldest first. */
  readonly published: readonly K[]
  /** The keys whose tokens the issuer itself must be able to verify: published ones, and retired ones within `grace`. */
  readonly known: readonly K[]
  /** The keys that no instance signs with any more: destroy their private part. */
  readonly spent: readonly K[]
  /** The keys to delete. */
  readonly forgotten: readonly K[]
  /** The key to make now. */
  readonly next: ScheduledKey | undefined
}

/** Least time between publishing a key and signing with it, in seconds: caches may refetch for an unknown `kid` by then (protocol §10). */
const leastAhead = 30
/** How long caches may keep a JWK set, in seconds (protocol §10). */
const cacheCap = 600
/** Most seconds by which the clocks of two instances differ. */
const clockTolerance = 300

/**
 * Checks a schedule.
 * @throws RangeError when a key would sign sooner than 30 seconds after it was published, or a time is out of range
 * @see protocol §10
 */
export function checkKeySchedule(schedule: KeySchedule): void {
  checkOptions('checkKeySchedule', schedule, {
    ...{ rotateEvery: 'any', publishAhead: 'any', tokenLifetime: 'any', grace: 'any' },
  })
  const { rotateEvery, publishAhead, tokenLifetime, grace = 0 } = schedule
  if (!(publishAhead >= leastAhead && Number.isFinite(publishAhead)))
    throw new RangeError('publishAhead must be at least 30 seconds')
  // Otherwise more and more keys would wait for their turn.
  if (!(rotateEvery >= publishAhead && Number.isFinite(rotateEvery)))
    throw new RangeError('rotateEvery must be at least publishAhead')
  if (!(tokenLifetime > 0 && Number.isFinite(tokenLifetime)))
    throw new RangeError('tokenLifetime must be a number of seconds above 0')
  if (!(grace >= 0 && Number.isFinite(grace))) throw new RangeError('grace must be a number of seconds')
}

/**
 * Decides what to do with an issuer's keys. Each is published before it signs, and until the last token that it signed has expired
 * everywhere. The first key signs at once, since no cache can have a set without it.
 * @param keys all keys that are not deleted, in any order
 * @param now Unix seconds
 * @see protocol §10
 */
export function planKeys<K extends ScheduledKey>(keys: readonly K[], schedule: KeySchedule, now: number): KeyPlan<K> {
  const { tokenLifetime, grace = 0 } = schedule
  const sorted = [...keys].sort((one, other) => one.signs - other.signs)
  const lastUse = (index: number): number => sorted[index + 1]?.signs ?? Number.POSITIVE_INFINITY
  const isKnown = (_: K, index: number): boolean => now < lastUse(index) + tokenLifetime + Math.max(cacheCap, grace)
  return {
    signing: sorted.findLast(key => key.signs <= now),
    published: sorted.filter((_, index) => now < lastUse(index) + tokenLifetime + cacheCap),
    known: sorted.filter(isKnown),
    spent: sorted.filter((_, index) => lastUse(index) + clockTolerance <= now),
    forgotten: sorted.filter((key, index) => !isKnown(key, index)),
    next: nextKey(sorted.at(-1), schedule, now),
  }
}

function nextKey(newest: ScheduledKey | undefined, schedule: KeySchedule, now: number): ScheduledKey | undefined {
  const { rotateEvery, publishAhead } = schedule
  if (newest === undefined) return { published: now, signs: now }
  const due = newest.signs + rotateEvery
  // After a pause the key may be long overdue. It is still published ahead, and the old key signs until then.
  return due - publishAhead <= now ? { published: now, signs: Math.max(due, now + publishAhead) } : undefined
}
