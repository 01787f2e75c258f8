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

/** Bytes kept for each entry allowed: what an ordinary participant takes. Ten thousand of the largest would fill a machine. */
const bytesPerEntry = 4096
/** And so many at least, that a small cache can hold large documents. */
const leastBytes = 32 * 1024 * 1024
/** Seconds until an answer must begin of somebody who was never met. */
const firstByteSeconds = 2
/** Bytes that an imported key takes, roughly. */
const bytesPerKey = 2048

/** All participants known in one role, kept by identifier. */
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

interface KnownParticipant<T> {
  readonly participant: Participant<T>
  /** It has given a key that was asked for: somebody who can be met, and not only a name. */
  hasProven: boolean
  /** How many imported keys were weighed. */
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
  const cache = boundedCache<KnownParticipant<T>>({ maxEntries, maxBytes, shareOf, onEvict })
  // Apart: a flood of invented names, each a host that never answers, delays nobody who was met before.
  const slots = { met: createSlots(maxConcurrent), unmet: createSlots(maxConcurrent) }

  function tellOf(id: string): ParticipantSource<T>['tell'] {
    return (part, what) => {
      if (what === 'hit' || what === 'stale' || what === 'miss') tell({ type: what, document, id, part })
      else if (what === 'garbage') tell({ type: 'alarm', reason: what, document, id, part })
      else if (what === 'early') tell({ type: 'kid-refetch', document, id })
      else tell({ type: 'refused', document, id, reason: what })
    }
  }

  function findOrAdd(id: string): KnownParticipant<T> {
    const held = cache.get(id)
    if (held !== undefined) return held
    if (!isIdentifier(id, { development })) {
      tell({ type: 'refused', document, reason: 'identifier' })
      throw new AAuthError('discovery_failed', 'the identifier is malformed')
    }
    const site = shareOf(id)
    // A name that was never met may be one of a flood: it has to answer soon, and shares by the caller's network as well.
    const termsOf = (size: Pick<FetchTerms, 'maxBytes' | 'budget'>): FetchTerms =>
      added.hasProven
        ? { ...size, site, slots: slots.met }
        : { ...size, site, slots: slots.unmet, firstByte: firstByteSeconds, network: size.budget?.network }
    const added: KnownParticipant<T> = {
      hasProven: false,
      weighed: 0,
      participant: participant<T>({
        ...{ document, id, development, parse, now },
        fetch(part, url, size) {
          const fetched = fetches.fetch(url, termsOf(size))
          // Not before: a name that not even a fetch was begun for pushes no other out.
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

  function weighKeys(id: string, entry: KnownParticipant<T>): void {
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
      // Whoever asks from now on gets what is there now, not what a fetch already under way brings.
      fetches.detach(wellKnownUrl(id, document))
      const uri = held.participant.jwksUri()
      if (uri !== undefined) fetches.detach(uri)
    },
  }
}
