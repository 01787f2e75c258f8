import { importVerifyKey, type PublicJwk, type VerifyKey } from '@countersign/httpsig'
import { jwks, type PublicKeyEntry, type PublishedKey } from '@countersign/protocol'
import { checkKeySchedule, type KeyPlan, type KeySchedule, planKeys, refusal } from '@countersign/protocol/internal'
import type { KeyChange, KeyRotation, KeyStore, OwnKey, OwnKeyEvent } from './own-key.js'

/** The own keys of one server, at any moment. */
export interface OwnKeys {
  /** The key that signs now. From memory, but for a look at the database every few seconds. @throws AAuthError `temporarily_unavailable` */
  signing(): Promise<PublishedKey>
  /** The keys in the JWK set now. */
  published(): Promise<readonly PublicKeyEntry[]>
  /** The key of a token of this server, including expired ones that may still be renewed. */
  verifyKey(kid: string): Promise<VerifyKey | undefined>
  /** Reads the keys anew at the next call: this instance has changed some. */
  changed(): void
}

const leastRotation = 3600
/** An instance may load a key only after half of this time, and 30 seconds must be left then. */
const leastAhead = 60
/** Seconds that a key is published before it signs, where a rotation does not say. */
export const usualAhead = 900

/**
 * Makes the schedule of own keys.
 * @param o.tokenLifetime the longest life of the tokens that they sign, in seconds
 * @param o.grace seconds past `exp` for which the server itself accepts a token
 * @throws RangeError
 */
// unchecked options {}: all members are required, and one that is missing refuses everything
export function ownKeySchedule(
  { rotateEvery, publishAhead = usualAhead }: Pick<KeyRotation, 'rotateEvery' | 'publishAhead'>,
  { tokenLifetime, grace }: { readonly tokenLifetime: number; readonly grace: number },
): KeySchedule {
  // At one key an hour, a set holds 26 keys; hundreds would exceed what readers accept.
  if (!(rotateEvery >= leastRotation)) throw new RangeError('rotateEvery must be at least 3600 seconds')
  if (!(publishAhead >= leastAhead)) throw new RangeError('publishAhead must be at least 60 seconds')
  const schedule = { rotateEvery, publishAhead, tokenLifetime, grace }
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
    changed: () => undefined,
  }
}

/** Imports each key once: the cache of verified tokens compares key objects. */
function cacheVerifyKeys(): (kid: string, jwk: PublicJwk) => Promise<VerifyKey> {
  // bound: keys of this server; grown by the program
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
  readonly now: () => number
  readonly onEvent: (event: OwnKeyEvent) => void
}

/**
 * Keys that are made, published ahead, used and retired on a schedule. There is no timer: each call for a key advances the
 * schedule, and overdue steps are done then.
 */
export async function scheduledKeys(o: Rotating): Promise<OwnKeys> {
  const { now, schedule } = o
  const held = keepLoaded(o)
  const verifyKeys = cacheVerifyKeys()
  const plan = async (): Promise<KeyPlan<OwnKey>> => planKeys(await held.latest(), schedule, now())
  await held.latest()
  return {
    signing: async () => selectSigningKey(await plan(), now()),
    published: async () => (await plan()).published.map(({ kid, publicJwk }) => ({ kid, key: { publicJwk } })),
    async verifyKey(kid) {
      const found = (await plan()).known.find(key => key.kid === kid)
      return found && verifyKeys(kid, found.publicJwk)
    },
    changed: held.changed,
  }
}

function selectSigningKey({ signing, order }: KeyPlan<OwnKey>, now: number): PublishedKey {
  const key = signing?.key === undefined ? order.find(isProvenDue) : signing
  if (key?.key !== undefined) return { kid: key.kid, key: key.key }
  const next = order.find(({ signs, revoked }) => signs > now && revoked === undefined)
  throw refusal('key_not_ready', { retryAfter: Math.min(30, Math.max(1, Math.ceil((next?.signs ?? now + 30) - now))) })
}

/**
 * After the clock was set back, no key may be due, or the due one may have lost its private part. Then a key signs whose time had come
 * once: the first of all, or one after a key whose private part is destroyed. A key that was published a moment ago does not.
 */
function isProvenDue({ key, revoked }: OwnKey, index: number, order: readonly OwnKey[]): boolean {
  if (key === undefined || revoked !== undefined) return false
  const former = order[index - 1]
  return former === undefined || (former.key === undefined && former.revoked === undefined && !former.given)
}

/** Seconds to wait after the key store did not answer. */
const retryAfter = 5
/** Seconds for which loaded keys are used: an instance must know soon of a key that an operator has revoked. */
const freshFor = 10

interface LoadedKeys {
  latest(): Promise<readonly OwnKey[]>
  changed(): void
}

/** Keeps the loaded keys, and loads them again often enough that every instance publishes a key well before any instance uses it. */
function keepLoaded(o: Rotating): LoadedKeys {
  const { now, schedule } = o
  const reloadEvery = Math.min(freshFor, schedule.publishAhead / 4)
  let keys: readonly OwnKey[] | undefined
  let loaded = Number.NEGATIVE_INFINITY
  let failed: number | undefined
  let loading: Promise<readonly OwnKey[]> | undefined
  let changes = 0
  const load = async (): Promise<readonly OwnKey[]> => {
    const [begun, before] = [now(), changes]
    try {
      keys = await applySchedule(await o.keyStore.load(), o)
      // What was read before a change of this instance is read again.
      loaded = before === changes ? begun : Number.NEGATIVE_INFINITY
      failed = undefined
    } catch (thrown) {
      if (keys === undefined) throw thrown
      // While the database is not available, the loaded keys stay valid; only the next key has to wait.
      failed = now()
    }
    return keys
  }
  const begin = (): Promise<readonly OwnKey[]> => {
    const begun = load().finally(() => {
      if (loading === begun) loading = undefined
    })
    return begun
  }
  return {
    async latest() {
      // `abs`, for a clock that was set back.
      const age = Math.abs(now() - loaded)
      if (keys !== undefined && age < reloadEvery) return keys
      if (failed === undefined || Math.abs(now() - failed) >= retryAfter) loading ??= begin()
      // Requests wait for a slow database only where it may hold a key that another instance uses by now, or a revocation.
      const isGood = failed !== undefined || age < 2 * reloadEvery
      return keys === undefined || !isGood ? (loading ?? load()) : keys
    },
    changed() {
      changes += 1
      loaded = Number.NEGATIVE_INFINITY
      loading = undefined
    },
  }
}

async function applySchedule(
  keys: readonly OwnKey[],
  { keyStore, schedule, now, onEvent }: Rotating,
): Promise<readonly OwnKey[]> {
  const { next, published, spent, known, forgotten } = planKeys(keys, schedule, now())
  const change: KeyChange = {
    add: next && { ...next, generation: Math.max(0, ...keys.map(key => key.generation)) + 1 },
    spent: spent.filter(key => !key.given && key.key !== undefined),
    retired: [...known, ...forgotten].filter(
      key => isStored(key) && !key.retired && key.revoked === undefined && !published.includes(key),
    ),
    // A given key that was revoked is remembered: it still stands in its file.
    forgotten: forgotten.filter(key => isStored(key) && !(key.given && key.revoked !== undefined)),
  }
  if (next === undefined && change.spent.length + change.retired.length + change.forgotten.length === 0) return keys
  const { added, retired } = await keyStore.change(change)
  if (added !== undefined && next !== undefined) onEvent({ did: 'made', kid: added.kid, ...next })
  for (const kid of retired) onEvent({ did: 'retired', kid })
  return keyStore.load()
}

const isStored = (key: OwnKey): boolean => key.generation > 0
