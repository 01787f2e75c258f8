import type { WellKnownDocument } from '@countersign/protocol'

/** The document of one participant that an event is about. */
export interface EventSubject {
  readonly document: WellKnownDocument
  /** The participant's identifier. */
  readonly id: string
}

/** How a fetch ended. */
export type FetchOutcome = 'ok' | 'status' | 'refused' | 'unreachable' | 'busy'

/**
 * What happened in a discovery: plain data, to be counted or logged. Identifiers and URLs were chosen by strangers;
 * as labels of a metric they would be without bound.
 *
 * - `fetch`: a fetch ended, after so many seconds with the wait for a slot: `ok` with status 200, `status` with another one,
 *   `refused` by the fetcher's guard, `unreachable` for want of an answer, `busy` when its turn never came.
 * - `hit`: answered from memory. `stale`: answered from memory beyond its lifetime, because the host is away or we are busy.
 *   `miss`: not in memory; a fetch was begun or waited for, whatever it came to.
 * - `kid-refetch`: a key set is fetched early, for a `kid` that it lacks or for one whose key did not verify.
 * - `refused`: answered without a fetch: an `identifier` that is none, a `budget` that is spent, `busy` with too many
 *   fetches or too many who wait for this one, or `failed` a few seconds ago.
 * - `alarm`: the document that a host serves has turned to garbage (no JSON, no metadata of this participant, an empty key set).
 *   The last good one stands in for up to an hour after it was fetched; told at each fetch that brings garbage.
 * - `evicted`: pushed out of the cache by others. `purged`: forgotten by hand.
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
  | (EventSubject & { readonly type: 'kid-refetch' })
  | (EventSubject & { readonly type: 'alarm'; readonly reason: 'garbage'; readonly part: 'metadata' | 'jwks' })
  | (Partial<EventSubject> & {
      readonly type: 'refused'
      readonly reason: 'identifier' | 'budget' | 'busy' | 'failed'
    })
  | (EventSubject & { readonly type: 'evicted' })
  | { readonly type: 'purged'; readonly id: string }

/** A listener that cannot disturb what it listens to. */
export function safeListener(onEvent: ((event: DiscoveryEvent) => void) | undefined): (event: DiscoveryEvent) => void {
  if (onEvent === undefined) return () => undefined
  return event => {
    try {
      onEvent(event)
    } catch {
      // Counting must not decide who is let in.
    }
  }
}
