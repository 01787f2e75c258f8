import { type Algorithm, importVerifyKey, type PublicJwk, type SigningKey, type VerifyKey } from '@countersign/httpsig'
import {
  AAuthError,
  checkKeySchedule,
  jwks,
  type KeyPlan,
  type KeySchedule,
  type PublicKeyEntry,
  type PublishedKey,
  planKeys,
  type ScheduledKey,
} from '@countersign/protocol'
import type { AgentServerEvent } from '../event.js'
import { longestLifetime } from '../token-lifetime.js'

/** Own keys that follow one another by themselves. */
export interface KeyRotation {
  /** Seconds that each key signs, at least 3600. */
  readonly rotateEvery: number
  /** Seconds that each key is published before it signs, at least 60; shared caches may keep a key set for 300. Default 900. */
  readonly publishAhead?: number
  /** Of the keys that are made. Default `Ed25519`. */
  readonly algorithm?: Algorithm
  /** Given keys of before the rotation: the first one signs until the first own key may, and they end as own ones do. */
  readonly before?: readonly PublishedKey[]
}

/** An own key as it is kept. Times are Unix seconds. */
export interface OwnKey extends ScheduledKey {
  /** Counts up from 1, without gaps: of two instances that make the next key at once, one does. */
  readonly generation: number
  readonly kid: string
  readonly publicJwk: PublicJwk
  /** Gone once the key signs no more. */
  readonly key?: SigningKey
  /** Whether its leaving the JWK set was noted. */
  readonly retired: boolean
}

/** One step of a rotation, all of it or nothing. */
export interface KeyChange {
  readonly add?: { readonly generation: number } & ScheduledKey
  /** Whose private parts to destroy. */
  readonly spent: readonly OwnKey[]
  readonly retired: readonly OwnKey[]
  readonly forgotten: readonly OwnKey[]
}

/** Where own keys are kept. */
export interface KeyShelf {
  load(): Promise<readonly OwnKey[]>
  /** Answers what this call changed itself: another instance may have been first. */
  change(change: KeyChange): Promise<{ readonly added?: { readonly kid: string }; readonly retired: readonly string[] }>
}

/** The keys of one agent server, at any moment. */
export interface OwnKeys {
  /** The key that signs now. */
  signing(): Promise<PublishedKey>
  /** The keys in the JWK set now. */
  published(): Promise<readonly PublicKeyEntry[]>
  /** The key of a token of ours, also of one long ended that its delegate may still renew. */
  verifyKey(kid: string): Promise<VerifyKey | undefined>
}

const leastRotation = 3600
/** An instance may learn of a key when half of this has gone, and 30 seconds must be left. */
const leastAhead = 60

/**
 * The schedule of an agent server's keys.
 * @param grace seconds past `exp` for which a token renews itself
 * @throws RangeError
 */
export function ownKeySchedule({ rotateEvery, publishAhead = 900 }: KeyRotation, grace: number): KeySchedule {
  // With one key an hour a day's keys are 26: a set of hundreds would outgrow what readers take.
  if (!(rotateEvery >= leastRotation)) throw new RangeError('rotateEvery must be at least 3600 seconds')
  if (!(publishAhead >= leastAhead)) throw new RangeError('publishAhead must be at least 60 seconds')
  const schedule = { rotateEvery, publishAhead, tokenLifetime: longestLifetime, grace }
  checkKeySchedule(schedule)
  return schedule
}

/**
 * Keys that their operator makes and replaces; the first one signs.
 * @throws TypeError when there is none, or they cannot be published together
 */
export function fixedKeys(keys: readonly PublishedKey[]): OwnKeys {
  const [first] = keys
  if (first === undefined) throw new TypeError('keys must hold at least one key')
  jwks(keys)
  const verifyKeys = verifyKeysOf()
  return {
    signing: async () => first,
    published: async () => keys,
    async verifyKey(kid) {
      const found = keys.find(key => key.kid === kid)
      return found && verifyKeys(kid, found.key.publicJwk)
    },
  }
}

/** Imported once: a verified token is remembered together with the key object it was verified under. */
function verifyKeysOf(): (kid: string, jwk: PublicJwk) => Promise<VerifyKey> {
  const imported = new Map<string, Promise<VerifyKey>>()
  return (kid, jwk) => {
    const key = imported.get(kid) ?? importVerifyKey(jwk)
    imported.set(kid, key)
    return key
  }
}

/** What a rotation works with. */
export interface Rotating {
  readonly shelf: KeyShelf
  readonly schedule: KeySchedule
  readonly before: readonly PublishedKey[]
  readonly now: () => number
  readonly onEvent: (event: AgentServerEvent) => void
}

/**
 * Keys that are made, published ahead, used and retired on a schedule. Nothing runs by a timer: whoever asks for a key
 * moves the schedule on, and what is overdue is made up for in its own time.
 */
export async function scheduledKeys(o: Rotating): Promise<OwnKeys> {
  const { now, schedule, before } = o
  if (before.length > 0) jwks(before)
  const latest = lastLoaded(o)
  const verifyKeys = verifyKeysOf()
  const plan = async (): Promise<KeyPlan<OwnKey>> => planKeys(await latest(), schedule, now())
  /** The given keys that never signed here go with the one that did. */
  const withGiven = (keys: readonly OwnKey[]): PublicKeyEntry[] => [
    ...keys.filter(isOwn).map(({ kid, publicJwk }) => ({ kid, key: { publicJwk } })),
    ...(keys.some(key => !isOwn(key)) ? before : []),
  ]
  await latest()
  return {
    signing: async () => signingOf(await plan()),
    published: async () => withGiven((await plan()).published),
    async verifyKey(kid) {
      const found = withGiven((await plan()).known).find(key => key.kid === kid)
      return found && verifyKeys(kid, found.key.publicJwk)
    },
  }
}

function signingOf({ signing, known }: KeyPlan<OwnKey>): PublishedKey {
  // A clock set back may ask for a key before its time, or for one whose private part is gone: the oldest that can sign does.
  for (const { kid, key } of signing === undefined ? known : [signing, ...known])
    if (key !== undefined) return { kid, key }
  throw new AAuthError('temporarily_unavailable', 'no key of this agent server may sign now', { retryAfter: 30 })
}

const isOwn = (key: OwnKey): boolean => key.generation > 0

/** Seconds to wait after the shelf did not answer. */
const retryAfter = 5

/** The keys as last loaded, moved on by the schedule; loaded anew often enough that every instance publishes a key well before any uses it. */
function lastLoaded(o: Rotating): () => Promise<readonly OwnKey[]> {
  const { now, schedule, before } = o
  const reloadEvery = Math.min(60, schedule.publishAhead / 4)
  const given: readonly OwnKey[] = before.slice(0, 1).map(({ kid, key }) => ({
    generation: 0,
    kid,
    key,
    publicJwk: key.publicJwk,
    published: 0,
    signs: 0,
    retired: false,
  }))
  let keys: readonly OwnKey[] | undefined
  let loaded = Number.NEGATIVE_INFINITY
  let failed: number | undefined
  let flight: Promise<readonly OwnKey[]> | undefined
  const load = async (): Promise<readonly OwnKey[]> => {
    try {
      keys = await movedOn([...given, ...(await o.shelf.load())], given, o)
      loaded = now()
      failed = undefined
    } catch (thrown) {
      if (keys === undefined) throw thrown
      // The keys are still good while the database is away; only the next one has to wait.
      failed = now()
    }
    return keys
  }
  return async () => {
    // Also when the clock went back.
    const age = Math.abs(now() - loaded)
    if (keys !== undefined && age < reloadEvery) return keys
    if (failed === undefined || Math.abs(now() - failed) >= retryAfter)
      flight ??= load().finally(() => {
        flight = undefined
      })
    // A slow database holds up nobody, unless it may know a key that others use by now.
    const isGood = failed !== undefined || age < schedule.publishAhead / 2
    return keys === undefined || !isGood ? (flight ?? load()) : keys
  }
}

async function movedOn(
  keys: readonly OwnKey[],
  given: readonly OwnKey[],
  { shelf, schedule, now, onEvent }: Rotating,
): Promise<readonly OwnKey[]> {
  const { next, published, spent, known, forgotten } = planKeys(keys, schedule, now())
  const change: KeyChange = {
    ...(next === undefined
      ? {}
      : { add: { ...next, generation: Math.max(0, ...keys.map(key => key.generation)) + 1 } }),
    spent: spent.filter(key => isOwn(key) && key.key !== undefined),
    retired: known.filter(key => isOwn(key) && !key.retired && !published.includes(key)),
    forgotten: forgotten.filter(isOwn),
  }
  if (next === undefined && change.spent.length + change.retired.length + change.forgotten.length === 0) return keys
  const { added, retired } = await shelf.change(change)
  if (added !== undefined && next !== undefined) onEvent({ type: 'key-made', kid: added.kid, ...next })
  for (const kid of retired) onEvent({ type: 'key-retired', kid })
  return [...given, ...(await shelf.load())]
}
