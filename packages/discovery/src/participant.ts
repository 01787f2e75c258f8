import type { VerifyKey } from '@countersign/httpsig'
import { type MetadataOptions, type WellKnownDocument, wellKnownUrl } from '@countersign/protocol'
import { CachedDocument, type DocumentSource } from './cached-document.js'
import type { FetchBudget } from './fetch-budget.js'
import type { FetchedDocument } from './fetcher.js'
import { maxJwksBytes, maxMetadataBytes, readDocument } from './read-document.js'
import { type VerifyKeys, verifyKeys } from './verify-keys.js'

/** Seconds between two early fetches of a JWKS: for a `kid` that it lacks, or one whose key did not verify. */
const earlyInterval = 30

/** What one identifier publishes in one role. */
export interface Participant<T> {
  metadata(budget?: FetchBudget): T | Promise<T>
  /** `failed`: the key with that `kid` that did not verify; another one is asked for. */
  key(kid: string, budget?: FetchBudget, failed?: VerifyKey): Promise<VerifyKey | undefined>
  /** Where its key set was last. */
  jwksUri(): string | undefined
  /** How many of its keys are imported. */
  importedKeys(): number
}

/** One of the two documents of a participant. */
export type Part = 'metadata' | 'jwks'

/** What {@link participant} needs. */
export interface ParticipantSource<T> {
  readonly document: WellKnownDocument
  /** Checked by whoever calls. */
  readonly id: string
  readonly development: boolean
  readonly parse: (json: unknown, id: string, options: MetadataOptions) => T
  readonly now: () => number
  /** Begins or joins a fetch; throws at once when there must be none. */
  fetch(part: Part, url: string, o: { maxBytes: number; budget: FetchBudget | undefined }): Promise<FetchedDocument>
  /** One more asks for what is being fetched. */
  join?(url: string, o: { maxBytes: number; budget: FetchBudget | undefined }): void
  /** Told what is held from now on. */
  onHeld(part: Part, document: FetchedDocument): void
  /** Told how a question for a part was answered. */
  tell(part: Part, what: Parameters<DocumentSource<T>['tell']>[0]): void
}

/** Makes a {@link Participant}; nothing is fetched yet. @see protocol §10 */
export function participant<T extends { readonly jwks_uri: string }>(source: ParticipantSource<T>): Participant<T> {
  const { document, id, development, parse } = source
  const metadata = cachedPart('metadata', wellKnownUrl(id, document), json => parse(json, id, { development }))
  // Kept here and not by `jwks_uri`, which anybody may write into metadata.
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

  /** The key set at `uri`; another one than before when the metadata have moved on. */
  function keysAt(uri: string): CachedDocument<VerifyKeys> {
    if (jwks?.uri === uri) return jwks.keys
    const keys = cachedPart('jwks', uri, json => {
      const read = verifyKeys(json, imported)
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
      // A flood of invented kids, or of wrong signatures, costs the host one fetch per interval, and other callers nothing.
      return (await keys.renewed(earlyInterval, budget)).find(kid)
    },
    jwksUri: () => jwks?.uri,
    importedKeys: () => imported?.size ?? 0,
  }
}
