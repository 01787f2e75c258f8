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
  /** When an operator revoked it: it is not published from then on, and signs nothing. */
  readonly revoked?: number | undefined
}

/** What to do with the keys at one moment. */
export interface KeyPlan<K extends ScheduledKey> {
  /** The key that signs; undefined when none may sign yet. */
  readonly signing: K | undefined
  /** The keys in the JWK set, the oldest first. */
  readonly published: readonly K[]
  /** The keys whose tokens the issuer itself must be able to verify: published ones, and retired ones within `grace`. */
  readonly known: readonly K[]
  /** All keys that have signed, or will, in the order in which they do. */
  readonly order: readonly K[]
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
export const cacheCap = 600
/** Most seconds by which the clocks of two instances differ. What all are to have done with waits as long. */
export const clockTolerance = 300

/**
 * Checks a schedule.
 * @throws RangeError when a key would sign sooner than 30 seconds after it was published, or a time is out of range
 * @see protocol §10
 */
export function checkKeySchedule(schedule: KeySchedule): void {
  checkOptions('checkKeySchedule', schedule, {
    rotateEvery: 'any',
    publishAhead: 'any',
    tokenLifetime: 'any',
    grace: 'any',
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
 * everywhere. The first key signs at once, since no cache can have a set without it. When the key that signs is revoked, none signs until
 * the next one may.
 * @param keys all keys that are not deleted, in any order
 * @param now Unix seconds
 * @see protocol §10
 */
// unchecked options schedule: checkKeySchedule has checked them
export function planKeys<K extends ScheduledKey>(keys: readonly K[], schedule: KeySchedule, now: number): KeyPlan<K> {
  const { tokenLifetime, grace = 0 } = schedule
  // A key that was revoked before it signed does not end the key before it.
  const order = keys.filter(key => !wasUnused(key)).sort((one, other) => one.signs - other.signs)
  const lastUse = ({ signs }: K): number => order.find(key => key.signs > signs)?.signs ?? Number.POSITIVE_INFINITY
  const isKnown = (key: K): boolean => now < lastUse(key) + tokenLifetime + Math.max(cacheCap, grace)
  const due = order.findLast(key => key.signs <= now)
  const live = order.filter(({ revoked }) => revoked === undefined)
  return {
    signing: due?.revoked === undefined ? due : undefined,
    published: live.filter(key => now < lastUse(key) + tokenLifetime + cacheCap),
    known: live.filter(isKnown),
    order,
    spent: order.filter(key => lastUse(key) + clockTolerance <= now),
    forgotten: keys.filter(key => !(wasUnused(key) ? now < key.signs + tokenLifetime : isKnown(key))),
    next: nextKey(order.at(-1), schedule, now),
  }
}

function wasUnused({ revoked, signs }: ScheduledKey): boolean {
  return revoked !== undefined && revoked < signs
}

function nextKey(newest: ScheduledKey | undefined, schedule: KeySchedule, now: number): ScheduledKey | undefined {
  const { rotateEvery, publishAhead } = schedule
  if (newest === undefined || newest.revoked !== undefined) return { published: now, signs: now }
  const due = newest.signs + rotateEvery
  // After a pause the key may be long overdue. It is still published ahead, and the old key signs until then.
  return due - publishAhead <= now ? { published: now, signs: Math.max(due, now + publishAhead) } : undefined
}
