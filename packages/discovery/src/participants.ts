import type { VerifyKey } from '@countersign/httpsig'
import {
  AAuthError,
  isIdentifier,
  type MetadataOptions,
  type WellKnownDocument,
  wellKnownUrl,
} from '@countersign/protocol'
import { boundedCache } from './bounded-cache.js'
import type { DiscoveryEvent } from './discovery-event.js'
import type { FetchBudget } from './fetch-budget.js'
import { type Participant, type ParticipantSource, participant } from './participant.js'
import { type SiteOf, shareSite } from './share-site.js'
import type { FetchTerms, SharedFetches } from './shared-fetches.js'
import { createSlots } from './slots.js'
import { weightOf } from './weight.js'

/** Bytes of the cache for each of its entries, the size of an ordinary participant: 10 000 of the largest would fill a machine. */
const bytesPerEntry = 4096
/** Bytes that a cache may hold in any case, so that one of few entries can hold large documents. */
const leastBytes = 32 * 1024 * 1024
/** Seconds until the response of an unknown participant must begin. */
const firstByteSeconds = 2
/** Bytes of memory that an imported key takes, roughly. */
const bytesPerKey = 2048

/** The participants of one role, cached by identifier. */
export interface Participants<T> {
  metadata(id: string, budget?: FetchBudget): Promise<T>
  key(id: string, kid: string, budget?: FetchBudget, failed?: VerifyKey): Promise<VerifyKey | undefined>
  purge(id: string): void
}

/** What {@link createParticipants} needs. */
export interface ParticipantsOptions<T> {
  readonly document: WellKnownDocument
  readonly parse: (json: unknown, id: string, options: MetadataOptions) => T
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
export function createParticipants<T extends { readonly jwks_uri: string }>(
  o: ParticipantsOptions<T>,
): Participants<T> {
  const { document, parse, fetches, now, development, siteOf, maxEntries, maxConcurrent, tell } = o
  const onEvict = (id: string) => tell({ type: 'evicted', document, id })
  const maxBytes = Math.max(leastBytes, maxEntries * bytesPerEntry)
  const shareOf = (id: string): string | undefined => (development ? undefined : shareSite(id, siteOf))
  const cache = boundedCache<ParticipantEntry<T>>({ maxEntries, maxBytes, shareOf, onEvict })
  // Two sets of slots: a flood of invented names whose hosts never answer delays no participant that has proven.
  const slots = { known: createSlots(maxConcurrent), unknown: createSlots(maxConcurrent) }

  function tellOf(id: string): ParticipantSource<T>['tell'] {
    return (part, what) => {
      if (what === 'hit' || what === 'stale' || what === 'miss') tell({ type: what, document, id, part })
      else if (what === 'garbage') tell({ type: 'alarm', reason: what, document, id, part })
      else if (what === 'early') tell({ type: 'kid-refetch', document, id })
      else tell({ type: 'refused', document, id, reason: what })
    }
  }

  function findOrAdd(id: string): ParticipantEntry<T> {
    const held = cache.get(id)
    if (held !== undefined) return held
    if (!isIdentifier(id, { development })) {
      tell({ type: 'refused', document, reason: 'identifier' })
      throw new AAuthError('discovery_failed', 'the identifier is malformed')
    }
    const site = shareOf(id)
    // An unknown name may be one of a flood: its host has to answer soon, and its fetches take a share of the caller's network, too.
    const termsOf = (size: Pick<FetchTerms, 'maxBytes' | 'budget'>): FetchTerms =>
      added.hasProven
        ? { ...size, site, slots: slots.known }
        : { ...size, site, slots: slots.unknown, firstByte: firstByteSeconds, network: size.budget?.network }
    const added: ParticipantEntry<T> = {
      hasProven: false,
      weighed: 0,
      participant: participant<T>({
        document,
        id,
        development,
        parse,
        now,
        fetch(part, url, size) {
          const fetched = fetches.fetch(url, termsOf(size))
          // Only after the fetch has begun: a name that is refused for want of slots or budget must evict no other.
          if (part === 'metadata' && cache.get(id) === undefined) cache.set(id, added)
          return fetched
        },
        join: (url, size) => fetches.join(url, termsOf(size)),
        onHeld: (part, { body }) => cache.weigh(id, added, { part, bytes: weightOf(body) }),
        tell: tellOf(id),
      }),
    }
    return added
  }

  function weighKeys(id: string, entry: ParticipantEntry<T>): void {
    const imported = entry.participant.importedKeys()
    if (imported === entry.weighed) return
    entry.weighed = imported
    cache.weigh(id, entry, { part: 'keys', bytes: imported * bytesPerKey })
  }

  return {
    metadata: async (id, budget) => findOrAdd(id).participant.metadata(budget),
    async key(id, kid, budget, failed) {
      const entry = findOrAdd(id)
      const key = await entry.participant.key(kid, budget, failed)
      if (key === undefined) return undefined
      entry.hasProven = true
      cache.markProven(id, entry)
      weighKeys(id, entry)
      return key
    },
    purge(id) {
      const held = cache.get(id)
      if (held === undefined) return
      cache.delete(id)
      // Later callers get what the host publishes now, not the result of a fetch that began before the purge.
      fetches.detach(wellKnownUrl(id, document))
      const uri = held.participant.jwksUri()
      if (uri !== undefined) fetches.detach(uri)
    },
  }
}
