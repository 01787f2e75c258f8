import { type Algorithm, importVerifyKey, type PublicJwk, type SigningKey, type VerifyKey } from '@countersign/httpsig'
import { AAuthError, jwks, type PublicKeyEntry, type PublishedKey } from '@countersign/protocol'
import {
  checkKeySchedule,
  type KeyPlan,
  type KeySchedule,
  planKeys,
  type ScheduledKey,
} from '@countersign/protocol/internal'
import type { AgentServerEvent } from '../event.js'
import { longestLifetime } from '../token-lifetime.js'

/** How own keys rotate. */
export interface KeyRotation {
  /** Seconds that each key signs, at least 3600. */
  readonly rotateEvery: number
  /** Seconds that each key is published before it signs, at least 60; shared caches may keep a key set for 300. Default 900. */
  readonly publishAhead?: number
  /** The algorithm of new keys. Default `Ed25519`. */
  readonly algorithm?: Algorithm
  /** Keys from before the rotation. The first one signs until the first new key may; they end as the others do. */
  readonly before?: readonly PublishedKey[]
}

/** A stored own key. Times are Unix seconds. */
export interface OwnKey extends ScheduledKey {
  /** Counts up from 1 without gaps, so that of two instances that make the next key at once one succeeds. */
  readonly generation: number
  readonly kid: string
  readonly publicJwk: PublicJwk
  /** Absent once the key no longer signs. */
  readonly key?: SigningKey | undefined
  /** Whether its event `key-retired` was sent. */
  readonly retired: boolean
}

/** One step of a rotation, done in one transaction. */
export interface KeyChange {
  readonly add?: ({ readonly generation: number } & ScheduledKey) | undefined
  /** Keys whose private parts are destroyed. */
  readonly spent: readonly OwnKey[]
  readonly retired: readonly OwnKey[]
  readonly forgotten: readonly OwnKey[]
}

/** Stores own keys. */
export interface KeyStore {
  load(): Promise<readonly OwnKey[]>
  /** Resolves with the changes of this call: another instance may have been first. */
  change(
    change: KeyChange,
  ): Promise<{ readonly added?: { readonly kid: string } | undefined; readonly retired: readonly string[] }>
}

/** The keys of one agent server, at any moment. */
export interface OwnKeys {
  /** The key that signs now. */
  signing(): Promise<PublishedKey>
  /** The keys in the JWK set now. */
  published(): Promise<readonly PublicKeyEntry[]>
  /** The key of an agent token of this server, including expired ones that may still be renewed. */
  verifyKey(kid: string): Promise<VerifyKey | undefined>
}

const leastRotation = 3600
/** An instance may load a key only after half of this time, and 30 seconds must be left then. */
const leastAhead = 60

/**
 * Makes the schedule of an agent server's keys.
 * @param grace seconds past `exp` for which a token renews itself
 * @throws RangeError
 */
export function ownKeySchedule({ rotateEvery, publishAhead = 900 }: KeyRotation, grace: number): KeySchedule {
  // At one key an hour, a set holds 26 keys; hundreds would exceed what readers accept.
  if (!(rotateEvery >= leastRotation)) throw new RangeError('rotateEvery must be at least 3600 seconds')
  if (!(publishAhead >= leastAhead)) throw new RangeError('publishAhead must be at least 60 seconds')
  const schedule = { rotateEvery, publishAhead, tokenLifetime: longestLifetime, grace }
  checkKeySchedule(schedule)
  return schedule
}

/**
 * Keys that the operator makes and replaces; the first one signs.
 * @throws TypeError when there is none, or they cannot be in one JWK set
 */
export function fixedKeys(keys: readonly PublishedKey[]): OwnKeys {
  const [first] = keys
  if (first === undefined) throw new TypeError('keys must hold at least one key')
  jwks(keys)
  const verifyKeys = cacheVerifyKeys()
  return {
    signing: async () => first,
    published: async () => keys,
    async verifyKey(kid) {
      const found = keys.find(key => key.kid === kid)
      return found && verifyKeys(kid, found.key.publicJwk)
    },
  }
}

/** Imports each key once: the cache of verified tokens compares key objects. */
function cacheVerifyKeys(): (kid: string, jwk: PublicJwk) => Promise<VerifyKey> {
  const imported = new Map<string, Promise<VerifyKey>>()
  return (kid, jwk) => {
    const key = imported.get(kid) ?? importVerifyKey(jwk)
    imported.set(kid, key)
    return key
  }
}

/** What a rotation needs. */
export interface Rotating {
  readonly keyStore: KeyStore
  readonly schedule: KeySchedule
  readonly before: readonly PublishedKey[]
  readonly now: () => number
  readonly onEvent: (event: AgentServerEvent) => void
}

/**
 * Keys that are made, published ahead, used and retired on a schedule. There is no timer: each call for a key advances the
 * schedule, and overdue steps are done then.
 */
export async function scheduledKeys(o: Rotating): Promise<OwnKeys> {
  const { now, schedule, before } = o
  if (before.length > 0) jwks(before)
  const latest = keepLoaded(o)
  const verifyKeys = cacheVerifyKeys()
  const plan = async (): Promise<KeyPlan<OwnKey>> => planKeys(await latest(), schedule, now())
  /** All given keys stay published as long as the first of them. */
  const withGiven = (keys: readonly OwnKey[]): PublicKeyEntry[] => [
    ...keys.filter(isOwn).map(({ kid, publicJwk }) => ({ kid, key: { publicJwk } })),
    ...(keys.some(key => !isOwn(key)) ? before : []),
  ]
  await latest()
  return {
    signing: async () => selectSigningKey(await plan()),
    published: async () => withGiven((await plan()).published),
    async verifyKey(kid) {
      const found = withGiven((await plan()).known).find(key => key.kid === kid)
      return found && verifyKeys(kid, found.key.publicJwk)
    },
  }
}

function selectSigningKey({ signing, known }: KeyPlan<OwnKey>): PublishedKey {
  // After the clock was set back, no key may be due, or the due one may have lost its private part: the oldest that can sign does.
  for (const { kid, key } of signing === undefined ? known : [signing, ...known])
    if (key !== undefined) return { kid, key }
  throw new AAuthError('temporarily_unavailable', 'this agent server has no key that can sign now', {
    reason: 'key_not_ready',
    retryAfter: 30,
  })
}

const isOwn = (key: OwnKey): boolean => key.generation > 0

/** Seconds to wait after the key store did not answer. */
const retryAfter = 5

/** Keeps the loaded keys, and loads them again often enough that every instance publishes a key well before any instance uses it. */
function keepLoaded(o: Rotating): () => Promise<readonly OwnKey[]> {
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
  let loading: Promise<readonly OwnKey[]> | undefined
  const load = async (): Promise<readonly OwnKey[]> => {
    try {
      keys = await applySchedule([...given, ...(await o.keyStore.load())], given, o)
      loaded = now()
      failed = undefined
    } catch (thrown) {
      if (keys === undefined) throw thrown
      // While the database is not available, the loaded keys stay valid; only the next key has to wait.
      failed = now()
    }
    return keys
  }
  return async () => {
    // `abs`, for a clock that was set back.
    const age = Math.abs(now() - loaded)
    if (keys !== undefined && age < reloadEvery) return keys
    if (failed === undefined || Math.abs(now() - failed) >= retryAfter)
      loading ??= load().finally(() => {
        loading = undefined
      })
    // Requests wait for a slow database only where it may hold a key that another instance uses by now.
    const isGood = failed !== undefined || age < schedule.publishAhead / 2
    return keys === undefined || !isGood ? (loading ?? load()) : keys
  }
}

async function applySchedule(
  keys: readonly OwnKey[],
  given: readonly OwnKey[],
  { keyStore, schedule, now, onEvent }: Rotating,
): Promise<readonly OwnKey[]> {
  const { next, published, spent, known, forgotten } = planKeys(keys, schedule, now())
  const change: KeyChange = {
    add: next && { ...next, generation: Math.max(0, ...keys.map(key => key.generation)) + 1 },
    spent: spent.filter(key => isOwn(key) && key.key !== undefined),
    retired: known.filter(key => isOwn(key) && !key.retired && !published.includes(key)),
    forgotten: forgotten.filter(isOwn),
  }
  if (next === undefined && change.spent.length + change.retired.length + change.forgotten.length === 0) return keys
  const { added, retired } = await keyStore.change(change)
  if (added !== undefined && next !== undefined) onEvent({ type: 'key-made', kid: added.kid, ...next })
  for (const kid of retired) onEvent({ type: 'key-retired', kid })
  return [...given, ...(await keyStore.load())]
}
