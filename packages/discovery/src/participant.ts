import type { VerifyKey } from '@countersign/httpsig'
import { type MetadataOptions, type WellKnownDocument, wellKnownUrl } from '@countersign/protocol'
import { CachedDocument, type DocumentSource } from './cached-document.js'
import type { FetchBudget } from './fetch-budget.js'
import type { FetchedDocument } from './fetcher.js'
import { maxJwksBytes, maxMetadataBytes, readDocument } from './read-document.js'
import { type VerifyKeys, verifyKeys } from './verify-keys.js'

/** Seconds between two early fetches of a JWKS, for a `kid` that it lacks or whose key did not verify. */
const earlyInterval = 30

/** The metadata and keys that one identifier publishes in one role. */
export interface Participant<T> {
  metadata(budget?: FetchBudget): Promise<T>
  /** `failed`: the key under this `kid` that did not verify; the key set is fetched again, at most once in 30 s. */
  key(kid: string, budget?: FetchBudget, failed?: VerifyKey): Promise<VerifyKey | undefined>
  /** The `jwks_uri` used last. */
  jwksUri(): string | undefined
  /** How many of its keys are imported. */
  importedKeys(): number
}

/** One of the two documents of a participant. */
export type Part = 'metadata' | 'jwks'

/** How the parts of a participant are fetched and cached. */
export interface PartSource {
  /** A valid identifier: the caller has checked it. */
  readonly id: string
  readonly development: boolean
  readonly now: () => number
  /** Begins or joins a fetch; throws synchronously when the budget is spent or too many fetches wait. */
  fetch(part: Part, url: string, o: { maxBytes: number; budget: FetchBudget | undefined }): Promise<FetchedDocument>
  /** Called when one more caller waits for the fetch of this URL. */
  join?(url: string, o: { maxBytes: number; budget: FetchBudget | undefined }): void
  /** Called with each document that enters the cache. */
  onHeld(part: Part, document: FetchedDocument): void
  /** Reports how a lookup of a part was answered. */
  tell(part: Part, what: Parameters<DocumentSource<unknown>['tell']>[0]): void
}

/** What {@link participant} needs. */
export interface ParticipantSource<T> extends PartSource {
  readonly document: WellKnownDocument
  readonly parse: (json: unknown, id: string, options: MetadataOptions) => T
}

/** Makes a {@link Participant}; nothing is fetched yet. @see protocol §10 */
export function participant<T extends { readonly jwks_uri: string }>(source: ParticipantSource<T>): Participant<T> {
  const { document, id, development, parse } = source
  const metadata = cachedPart('metadata', wellKnownUrl(id, document), json => parse(json, id, { development }))
  // Cached here and not under its `jwks_uri`: any stranger can write the `jwks_uri` of a victim into metadata.
  let jwks: { readonly uri: string; readonly keys: CachedDocument<VerifyKeys> } | undefined
  let imported: ReadonlyMap<string, VerifyKey> | undefined

  function cachedPart<D>(part: Part, url: string, read: (json: unknown) => D): CachedDocument<D> {
    const maxBytes = part === 'metadata' ? maxMetadataBytes : maxJwksBytes
    return new CachedDocument<D>({
      now: source.now,
      fetch: budget => source.fetch(part, url, { maxBytes, budget }),
      join: budget => source.join?.(url, { maxBytes, budget }),
      read: fetched => read(readDocument(fetched, maxBytes)),
      onHeld: fetched => source.onHeld(part, fetched),
      tell: what => source.tell(part, what),
    })
  }

  /** The key set at `uri`; a new one when the `jwks_uri` of the metadata has changed. */
  function keysAt(uri: string): CachedDocument<VerifyKeys> {
    if (jwks?.uri === uri) return jwks.keys
    const keys = cachedPart('jwks', uri, json => {
      const read = verifyKeys(json, { previous: imported, development })
      imported = read.imported
      return read
    })
    jwks = { uri, keys }
    return keys
  }

  return {
    metadata: budget => metadata.get(budget),
    async key(kid, budget, failed) {
      const { jwks_uri } = await metadata.get(budget)
      const keys = keysAt(jwks_uri)
      const key = await (await keys.get(budget)).find(kid)
      if (key !== failed) return key
      // A flood of invented kids, or of wrong signatures, costs the host one fetch per interval and delays no other caller.
      return (await keys.renewed(earlyInterval, budget)).find(kid)
    },
    jwksUri: () => jwks?.uri,
    importedKeys: () => imported?.size ?? 0,
  }
}
