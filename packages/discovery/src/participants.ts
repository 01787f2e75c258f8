import type { VerifyKey } from '@countersign/httpsig'
import {
  AAuthError,
  isIdentifier,
  type MetadataOptions,
  type WellKnownDocument,
  wellKnownUrl,
} from '@countersign/protocol'
import { boundedCache } from './bounded-cache.js'
import { type CachedDocument, cachedDocument } from './cached-document.js'
import type { FetchBudget } from './fetch-budget.js'
import type { Flights } from './flights.js'
import { maxJwksBytes, maxMetadataBytes, readDocument } from './read-document.js'
import { type VerifyKeys, verifyKeys } from './verify-keys.js'

/** Seconds between two fetches of a JWKS for the sake of a `kid` that it lacks. */
const unknownKidInterval = 30
/** Bytes of documents kept: ten thousand key sets of the largest size would fill a machine. */
const maxBytes = 32 * 1024 * 1024

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
}

interface Participant<T> {
  readonly metadata: CachedDocument<T>
  /** The JWKS its metadata name: kept here and not by `jwks_uri`, which anybody may write into metadata. */
  jwks?: { readonly uri: string; readonly keys: CachedDocument<VerifyKeys> }
  imported?: ReadonlyMap<string, VerifyKey>
}

/** Makes the {@link Participants} of one role. @see protocol.md §10 */
export function createParticipants<T extends { readonly jwks_uri: string }>(
  o: ParticipantsOptions<T>,
): Participants<T> {
  const { document, parse, flights, now, development, maxEntries } = o
  const cache = boundedCache<Participant<T>>({ maxEntries, maxBytes })

  function participant(id: string): Participant<T> {
    const known = cache.get(id)
    if (known !== undefined) return known
    if (!isIdentifier(id, { development })) throw new AAuthError('discovery_failed', 'the identifier is malformed')
    const url = wellKnownUrl(id, document)
    const added: Participant<T> = {
      metadata: cachedDocument<T>({
        now,
        fetch: budget => flights.board(url, { maxBytes: maxMetadataBytes, ...(budget !== undefined && { budget }) }),
        read: fetched => parse(readDocument(fetched, maxMetadataBytes), id, { development }),
        onHeld: bytes => cache.weigh(id, added, { part: 'metadata', bytes }),
      }),
    }
    cache.set(id, added)
    return added
  }

  /** The key set at `uri`; another one than before when the metadata have moved on. */
  function keysAt(id: string, of: Participant<T>, uri: string): CachedDocument<VerifyKeys> {
    if (of.jwks?.uri === uri) return of.jwks.keys
    const keys = cachedDocument<VerifyKeys>({
      now,
      fetch: budget => flights.board(uri, { maxBytes: maxJwksBytes, ...(budget !== undefined && { budget }) }),
      read: fetched => {
        const read = verifyKeys(readDocument(fetched, maxJwksBytes), of.imported)
        of.imported = read.imported
        return read
      },
      onHeld: bytes => cache.weigh(id, of, { part: 'jwks', bytes }),
    })
    of.jwks = { uri, keys }
    return keys
  }

  return {
    metadata: async (id, budget) => participant(id).metadata.get(budget),
    async key(id, kid, budget) {
      const of = participant(id)
      const { jwks_uri } = await of.metadata.get(budget)
      const keys = keysAt(id, of, jwks_uri)
      const key = await (await keys.get(budget)).find(kid)
      if (key !== undefined) return key
      // A flood of invented kids costs the host one fetch per interval, and those with known kids nothing.
      return (await keys.renewed(unknownKidInterval, budget)).find(kid)
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
