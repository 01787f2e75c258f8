import { checkOptions } from '../internal/check-options.js'

/**
 * When an issuer's keys follow one another. All in seconds.
 * @see protocol.md §10
 */
export interface KeySchedule {
  /** How long a key signs; at least `publishAhead`. */
  readonly rotateEvery: number
  /** How long a key is published before it signs, at least 30: more than caches keep a set spares their refetch. */
  readonly publishAhead: number
  /** The longest life of a token that any of the keys signed. */
  readonly tokenLifetime: number
  /** How long past its `exp` the issuer itself still has to verify a token; default 0. */
  readonly grace?: number
}

/** A key as the schedule sees it. Times are Unix seconds. */
export interface ScheduledKey {
  /** Published from then on. */
  readonly published: number
  /** Signs from then on, until the next key does. */
  readonly signs: number
}

/** What is to be done with the keys at one moment. */
export interface KeyPlan<K extends ScheduledKey> {
  /** The key that signs; undefined when none may yet. */
  readonly signing: K | undefined
  /** Those in the JWK set, the oldest first. */
  readonly published: readonly K[]
  /** Those whose tokens the issuer itself may still have to verify: the published ones and retired ones within `grace`. */
  readonly known: readonly K[]
  /** Those that sign no more at any instance: their private part is to be destroyed. */
  readonly spent: readonly K[]
  /** Those to forget altogether. */
  readonly forgotten: readonly K[]
  /** The key to make now. */
  readonly next: ScheduledKey | undefined
}

/** The earliest use of a key after it was published, in seconds (protocol §10): one refetch for an unknown `kid` is due by then. */
const leastAhead = 30
/** How long caches may keep a JWK set, in seconds (protocol §10). */
const cacheCap = 600
/** Seconds by which the clocks of two instances may differ. */
const clockTolerance = 300

/**
 * Checks a schedule.
 * @throws RangeError when a key would sign sooner than 30 seconds after it was published, or a time is out of range
 * @see protocol.md §10
 */
export function checkKeySchedule(schedule: KeySchedule): void {
  checkOptions('checkKeySchedule', schedule, {
    ...{ rotateEvery: 'any', publishAhead: 'any', tokenLifetime: 'any', grace: 'any' },
  })
  const { rotateEvery, publishAhead, tokenLifetime, grace = 0 } = schedule
  if (!(publishAhead >= leastAhead && Number.isFinite(publishAhead)))
    throw new RangeError('publishAhead must be at least 30 seconds')
  // Keys that follow faster than they are published ahead would only wait in line.
  if (!(rotateEvery >= publishAhead && Number.isFinite(rotateEvery)))
    throw new RangeError('rotateEvery must be at least publishAhead')
  if (!(tokenLifetime > 0 && Number.isFinite(tokenLifetime)))
    throw new RangeError('tokenLifetime must be a number of seconds above 0')
  if (!(grace >= 0 && Number.isFinite(grace))) throw new RangeError('grace must be a number of seconds')
}

/**
 * Decides what becomes of an issuer's keys: each is published before it signs, and until the longest token it signed has
 * ended everywhere. The first key of all signs at once, since nobody can hold a set without it.
 * @param keys all that are not forgotten, in any order
 * @param now Unix seconds
 * @see protocol.md §10
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
  // After a pause the moment may be long past: the new key is published ahead all the same, and the old one signs on.
  return due - publishAhead <= now ? { published: now, signs: Math.max(due, now + publishAhead) } : undefined
}
