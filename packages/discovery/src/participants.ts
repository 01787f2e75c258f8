import type { VerifyKey } from '@countersign/httpsig'
import {
  AAuthError,
  isIdentifier,
  type MetadataOptions,
  type WellKnownDocument,
  wellKnownUrl,
} from '@countersign/protocol'
import { boundedCache } from './bounded-cache.js'
import { type CachedDocument, cachedDocument, type DocumentSource } from './cached-document.js'
import type { DiscoveryEvent } from './discovery-event.js'
import type { FetchBudget } from './fetch-budget.js'
import type { Flights } from './flights.js'
import { maxJwksBytes, maxMetadataBytes, readDocument } from './read-document.js'
import { createSlots } from './slots.js'
import { type VerifyKeys, verifyKeys } from './verify-keys.js'
import { weightOf } from './weight.js'

/** Seconds between two fetches of a JWKS for the sake of a `kid` that it lacks. */
const unknownKidInterval = 30
/** Bytes kept for each entry allowed: what an ordinary participant takes. Ten thousand of the largest would fill a machine. */
const bytesPerEntry = 4096
/** And so many at least, that a small cache can hold large documents. */
const leastBytes = 32 * 1024 * 1024
/** Bytes that an imported key takes, roughly. */
const bytesPerKey = 2048

/** All participants known in one role, kept by identifier. */
export interface Participants<T> {
  metadata(id: string, budget?: FetchBudget): Promise<T>
  key(id: string, kid: string, budget?: FetchBudget): Promise<VerifyKey | undefined>
  purge(id: string): void
}

/** What {@link createParticipants} needs. */
export interface ParticipantsOptions<T> {
  readonly document: WellKnownDocument
  readonly parse: (json: unknown, id: string, options: MetadataOptions) => T
  readonly flights: Flights
  readonly now: () => number
  readonly development: boolean
  readonly maxEntries: number
  readonly maxConcurrent: number
  readonly tell: (event: DiscoveryEvent) => void
}

interface Participant<T> {
  readonly metadata: CachedDocument<T>
  /** The JWKS its metadata name: kept here and not by `jwks_uri`, which anybody may write into metadata. */
  jwks?: { readonly uri: string; readonly keys: CachedDocument<VerifyKeys> }
  imported?: ReadonlyMap<string, VerifyKey>
  /** It has given a key that was asked for: somebody who can be met, and not only a name. */
  hasProven: boolean
  /** How many imported keys were weighed. */
  weighed: number
}

/** Makes the {@link Participants} of one role. @see protocol.md §10 */
export function createParticipants<T extends { readonly jwks_uri: string }>(
  o: ParticipantsOptions<T>,
): Participants<T> {
  const { document, parse, flights, now, development, maxEntries, maxConcurrent, tell } = o
  const onEvict = (id: string) => tell({ type: 'evicted', document, id })
  const maxBytes = Math.max(leastBytes, maxEntries * bytesPerEntry)
  const cache = boundedCache<Participant<T>>({ maxEntries, maxBytes, onEvict })
  // Apart: a flood of invented names, each a host that never answers, delays nobody who was met before.
  const slots = { met: createSlots(maxConcurrent), unmet: createSlots(maxConcurrent) }

  function board(url: string, of: Participant<T>, size: { maxBytes: number; budget: FetchBudget | undefined }) {
    return flights.board(url, { ...size, slots: of.hasProven ? slots.met : slots.unmet })
  }

  function teller(id: string, part: 'metadata' | 'jwks'): DocumentSource<T>['tell'] {
    return what => {
      if (what === 'hit' || what === 'stale') tell({ type: what, document, id, part })
      else if (what === 'early') tell({ type: 'kid-refetch', document, id })
      else tell({ type: 'refused', document, id, reason: what })
    }
  }

  function participant(id: string): Participant<T> {
    const known = cache.get(id)
    if (known !== undefined) return known
    if (!isIdentifier(id, { development })) {
      tell({ type: 'refused', document, reason: 'identifier' })
      throw new AAuthError('discovery_failed', 'the identifier is malformed')
    }
    const url = wellKnownUrl(id, document)
    const added: Participant<T> = {
      hasProven: false,
      weighed: 0,
      metadata: cachedDocument<T>({
        now,
        fetch(budget) {
          const fetched = board(url, added, { maxBytes: maxMetadataBytes, budget })
          // Not before: a name that not even a fetch was begun for pushes no other out.
          if (cache.get(id) === undefined) cache.set(id, added)
          return fetched
        },
        read: fetched => parse(readDocument(fetched, maxMetadataBytes), id, { development }),
        onHeld: ({ body }) => cache.weigh(id, added, { part: 'metadata', bytes: weightOf(body) }),
        tell: teller(id, 'metadata'),
      }),
    }
    return added
  }

  /** The key set at `uri`; another one than before when the metadata have moved on. */
  function keysAt(id: string, of: Participant<T>, uri: string): CachedDocument<VerifyKeys> {
    if (of.jwks?.uri === uri) return of.jwks.keys
    const keys = cachedDocument<VerifyKeys>({
      now,
      fetch: budget => board(uri, of, { maxBytes: maxJwksBytes, budget }),
      read: fetched => {
        const read = verifyKeys(readDocument(fetched, maxJwksBytes), of.imported)
        of.imported = read.imported
        return read
      },
      onHeld: ({ body }) => cache.weigh(id, of, { part: 'jwks', bytes: weightOf(body) }),
      tell: teller(id, 'jwks'),
    })
    of.jwks = { uri, keys }
    return keys
  }

  function weighKeys(id: string, of: Participant<T>): void {
    const { imported: { size } = new Map() } = of
    if (size === of.weighed) return
    of.weighed = size
    cache.weigh(id, of, { part: 'keys', bytes: size * bytesPerKey })
  }

  async function find(of: Participant<T>, id: string, o: { kid: string; budget: FetchBudget | undefined }) {
    const { jwks_uri } = await of.metadata.get(o.budget)
    const keys = keysAt(id, of, jwks_uri)
    const key = await (await keys.get(o.budget)).find(o.kid)
    if (key !== undefined) return key
    // A flood of invented kids costs the host one fetch per interval, and those with known kids nothing.
    return (await keys.renewed(unknownKidInterval, o.budget)).find(o.kid)
  }

  return {
    metadata: async (id, budget) => participant(id).metadata.get(budget),
    async key(id, kid, budget) {
      const of = participant(id)
      const key = await find(of, id, { kid, budget })
      if (key === undefined) return undefined
      of.hasProven = true
      cache.keep(id, of)
      weighKeys(id, of)
      return key
    },
    purge(id) {
      const known = cache.get(id)
      if (known === undefined) return
      cache.delete(id)
      // Whoever asks from now on gets what is there now, not what a fetch already under way brings.
      flights.close(wellKnownUrl(id, document))
      if (known.jwks !== undefined) flights.close(known.jwks.uri)
    },
  }
}
