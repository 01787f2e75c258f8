import type { VerifyKey } from '@countersign/httpsig'
import { isIdentifier } from '@countersign/protocol'
import { refusal } from '@countersign/protocol/internal'
import { type BoundedCache, boundedCache } from './bounded-cache.js'
import type { DiscoveryEvent, PublishedDocument } from './discovery-event.js'
import type { FetchBudget } from './fetch-budget.js'
import type { Part, Participant, PartSource } from './participant.js'
import { type SiteOf, shareSite } from './share-site.js'
import type { FetchTerms, SharedFetches } from './shared-fetches.js'
import { createSlots, type Slots } from './slots.js'
import { weightOf } from './weight.js'

/** Bytes of the cache for each of its entries, the size of an ordinary participant: 10 000 of the largest would fill a machine. */
const bytesPerEntry = 4096
/** Bytes that a cache may hold in any case, so that one of few entries can hold large documents. */
const leastBytes = 32 * 1024 * 1024
/** Seconds until the response of an unknown participant must begin. */
const firstByteSeconds = 2
/** Bytes of memory that an imported key takes, roughly. */
const bytesPerKey = 2048

/** The key that is asked of a participant. */
export interface WantedKey {
  readonly kid: string
  readonly budget: FetchBudget | undefined
  /** The key under this `kid` with which a signature did not verify. */
  readonly failed: VerifyKey | undefined
}

/** The participants of one role, cached by identifier. */
export interface Participants<T> {
  metadata(id: string, budget?: FetchBudget): Promise<T>
  /** @throws AAuthError `discovery_failed`, without a fetch for a malformed identifier */
  key(id: string, wanted: WantedKey): Promise<VerifyKey | undefined>
  purge(id: string): void
}

/** What {@link createParticipants} needs. */
export interface ParticipantsOptions<T> {
  readonly document: PublishedDocument
  /** Makes one that is not cached yet. */
  readonly open: (source: PartSource) => Participant<T>
  /** The part that is fetched first: with that fetch a participant enters the cache. */
  readonly first: Part
  readonly fetches: SharedFetches
  readonly now: () => number
  readonly development: boolean
  readonly siteOf?: SiteOf | undefined
  readonly maxEntries: number
  readonly maxConcurrent: number
  readonly tell: (event: DiscoveryEvent) => void
}

interface ParticipantEntry<T> {
  readonly participant: Participant<T>
  /** It has given a key that a caller asked for, which an invented identifier never does. */
  hasProven: boolean
  /** The number of its imported keys that the cache has counted. */
  weighed: number
}

/** Makes the {@link Participants} of one role. @see protocol §10 */
export function createParticipants<T>(options: ParticipantsOptions<T>): Participants<T> {
  return new CachedParticipants(options)
}

class CachedParticipants<T> implements Participants<T> {
  readonly #options: ParticipantsOptions<T>
  readonly #cache: BoundedCache<ParticipantEntry<T>>
  /** Two sets of slots: a flood of invented names whose hosts never answer delays no participant that has proven. */
  readonly #slots: { readonly known: Slots; readonly unknown: Slots }

  constructor(options: ParticipantsOptions<T>) {
    const { document, maxEntries, maxConcurrent, tell } = options
    this.#options = options
    // bound: maxEntries, 10 000 of a role; bytes: 4 KiB × maxEntries, 32 MiB at least; grown by a stranger; shared: see
    // bounded-cache.ts; filled by discovery.strangers.test.ts "evicts no known participant"
    this.#cache = boundedCache<ParticipantEntry<T>>({
      maxEntries,
      maxBytes: Math.max(leastBytes, maxEntries * bytesPerEntry),
      shareOf: id => this.#shareOf(id),
      onEvict: id => tell({ type: 'evicted', document, id }),
    })
    this.#slots = { known: createSlots(maxConcurrent), unknown: createSlots(maxConcurrent) }
  }

  async metadata(id: string, budget?: FetchBudget): Promise<T> {
    return this.#findOrAdd(id).participant.metadata(budget)
  }

  async key(id: string, { kid, budget, failed }: WantedKey): Promise<VerifyKey | undefined> {
    const entry = this.#findOrAdd(id)
    const key = await entry.participant.key(kid, budget, failed)
    if (key === undefined) return undefined
    entry.hasProven = true
    this.#cache.markProven(id, entry)
    this.#weighKeys(id, entry)
    return key
  }

  purge(id: string): void {
    const { document, fetches } = this.#options
    const held = this.#cache.get(id)
    if (held === undefined) return
    this.#cache.delete(id)
    // Later callers get what the host publishes now, not the result of a fetch that began before the purge.
    fetches.detach(`${id}/.well-known/${document}`)
    const uri = held.participant.jwksUri()
    if (uri !== undefined) fetches.detach(uri)
  }

  #shareOf(id: string): string | undefined {
    return this.#options.development ? undefined : shareSite(id, this.#options.siteOf)
  }

  #findOrAdd(id: string): ParticipantEntry<T> {
    const held = this.#cache.get(id)
    if (held !== undefined) return held
    const { document, development, tell } = this.#options
    if (!isIdentifier(id, { development })) {
      tell({ type: 'refused', document, reason: 'identifier' })
      throw refusal('identifier_malformed')
    }
    return this.#makeEntry(id)
  }

  /** An entry that enters the cache once its first fetch has begun. */
  #makeEntry(id: string): ParticipantEntry<T> {
    const { development, open, first, fetches, now } = this.#options
    const site = this.#shareOf(id)
    const termsOf = (size: Pick<FetchTerms, 'maxBytes' | 'budget'>): FetchTerms =>
      this.#termsOf(entry, { ...size, site })
    const entry: ParticipantEntry<T> = {
      hasProven: false,
      weighed: 0,
      participant: open({
        id,
        development,
        now,
        fetch: (part, url, size) => {
          const fetched = fetches.fetch(url, termsOf(size))
          // Only after the fetch has begun: a name that is refused for want of slots or budget must evict no other.
          if (part === first && this.#cache.get(id) === undefined) this.#cache.set(id, entry)
          return fetched
        },
        join: (url, size) => fetches.join(url, termsOf(size)),
        onHeld: (part, { body }) => this.#cache.weigh(id, entry, { part, bytes: weightOf(body) }),
        tell: this.#tellOf(id),
      }),
    }
    return entry
  }

  /** An unknown name may be one of a flood: its host has to answer soon, and its fetches take a share of the caller's network, too. */
  #termsOf({ hasProven }: ParticipantEntry<T>, of: Pick<FetchTerms, 'maxBytes' | 'budget' | 'site'>): FetchTerms {
    if (hasProven) return { ...of, slots: this.#slots.known }
    return { ...of, slots: this.#slots.unknown, firstByte: firstByteSeconds, network: of.budget?.network }
  }

  #tellOf(id: string): PartSource['tell'] {
    const { document, tell } = this.#options
    return (part, what) => {
      if (what === 'hit' || what === 'stale' || what === 'miss') tell({ type: what, document, id, part })
      else if (what === 'garbage') tell({ type: 'alarm', reason: what, document, id, part })
      else if (what === 'early') tell({ type: 'kid_refetch', document, id })
      else tell({ type: 'refused', document, id, reason: what })
    }
  }

  #weighKeys(id: string, entry: ParticipantEntry<T>): void {
    const imported = entry.participant.importedKeys()
    if (imported === entry.weighed) return
    entry.weighed = imported
    this.#cache.weigh(id, entry, { part: 'keys', bytes: imported * bytesPerKey })
  }
}
