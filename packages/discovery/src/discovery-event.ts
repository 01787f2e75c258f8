import type { WellKnownDocument } from '@countersign/protocol'

/** A document that is looked up by the identifier of its owner: of AAuth, or the key directory of a bot. */
export type PublishedDocument = WellKnownDocument | 'http-message-signatures-directory'

/** The document of one participant that an event is about. */
export interface EventSubject {
  readonly document: PublishedDocument
  /** The participant's identifier. */
  readonly id: string
}

/** How a fetch ended. */
export type FetchOutcome = 'ok' | 'status' | 'refused' | 'unreachable' | 'busy'

/**
 * What happened in a discovery, as plain data to count or log. Strangers choose the identifiers and URLs in it: do not use them as
 * labels of a metric, which would grow without bound.
 *
 * - `fetch`: a fetch ended. `seconds` includes its wait for a slot. The outcome is `ok` (status 200), `status` (any other status),
 *   `refused` (by the fetcher's guard), `unreachable` (no response) or `busy` (it never got a slot).
 * - `hit`: answered from the cache. `stale`: answered from the cache beyond the document's lifetime, because its host is
 *   unreachable or too many fetches wait. `miss`: not in the cache; a fetch was begun or joined, whether or not it succeeded.
 * - `kid_refetch`: a key set is fetched early, for a `kid` that it lacks or whose key did not verify.
 * - `refused`: refused without a fetch. The reason is `identifier` (malformed), `budget` (spent), `busy` (too many fetches, or too
 *   many callers wait for this one) or `failed` (the last fetch failed a few seconds ago).
 * - `alarm`: the host now serves garbage (no JSON, no metadata of this participant, an empty key set). The last good document is
 *   served for up to an hour after it was fetched. Reported at each fetch that brings garbage.
 * - `evicted`: removed from the full cache. `purged`: removed by `purge`.
 */
export type DiscoveryEvent =
  | {
      readonly type: 'fetch'
      readonly url: string
      readonly outcome: FetchOutcome
      readonly status?: number
      readonly seconds: number
    }
  | (EventSubject & { readonly type: 'hit' | 'stale' | 'miss'; readonly part: 'metadata' | 'jwks' })
  | (EventSubject & { readonly type: 'kid_refetch' })
  | (EventSubject & { readonly type: 'alarm'; readonly reason: 'garbage'; readonly part: 'metadata' | 'jwks' })
  | (Partial<EventSubject> & {
      readonly type: 'refused'
      readonly reason: 'identifier' | 'budget' | 'busy' | 'failed'
    })
  | (EventSubject & { readonly type: 'evicted' })
  | { readonly type: 'purged'; readonly id: string }

/** A listener whose errors are ignored. */
export function safeListener(onEvent: ((event: DiscoveryEvent) => void) | undefined): (event: DiscoveryEvent) => void {
  if (onEvent === undefined) return () => undefined
  return event => {
    try {
      onEvent(event)
    } catch {
      // A broken metric must not refuse a request.
    }
  }
}
