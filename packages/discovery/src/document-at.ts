import { checkOptions } from '@countersign/protocol'
import { CachedDocument } from './cached-document.js'
import { fetchDocument } from './fetch-document.js'
import type { FetchedDocument, Fetcher } from './fetcher.js'
import { readDocument } from './read-document.js'

/** A document at a URL that an operator named, kept as long as one of a participant would be. */
export interface DocumentAt<T> {
  /**
   * From memory while fresh; else fetched, once however many ask; else, when its host does not answer or serves garbage, the last
   * good one for up to 1 h.
   * @throws AAuthError `discovery_failed`: 401 when it is missing or wrong, 503 with `retryAfter` when the host does not answer
   */
  get(): Promise<T>
  /**
   * Fetched even if fresh, unless that was done less than `interval` seconds ago.
   * @throws AAuthError `discovery_failed` when the last attempt failed
   */
  renewed(interval: number): Promise<T>
}

/**
 * Keeps one JSON document that is none of AAuth's own, such as the keys of an OpenID provider: the same guard, deadlines,
 * limits and caching. Nothing is fetched yet.
 * @param options.url where it is; the fetcher decides whether it may be fetched
 * @param options.maxBytes its largest size, after decoding
 * @param options.read from its JSON to what is kept; throws AAuthError `discovery_failed` when it is wrong
 * @param options.fetcher on Node `guardedFetcher()`
 * @param options.onGarbage called at each fetch that brings garbage in place of a document that was good before
 * @param options.now Unix seconds; default the system clock
 * @see protocol §10
 */
export function documentAt<T>(options: {
  readonly url: string
  readonly maxBytes: number
  readonly read: (json: unknown) => T
  readonly fetcher: Fetcher
  readonly onGarbage?: () => void
  readonly now?: () => number
}): DocumentAt<T> {
  checkOptions(
    'documentAt',
    options,
    {
      ...{ url: 'string', maxBytes: 'number', read: 'function', fetcher: 'function' },
      ...{ onGarbage: 'function', now: 'function' },
    },
    ['url', 'maxBytes', 'read', 'fetcher'],
  )
  const { url, maxBytes, read, fetcher, onGarbage, now = () => Date.now() / 1000 } = options
  const source = {
    now,
    fetch: () => fetchDocument(fetcher, url, maxBytes),
    read: (document: FetchedDocument) => read(readDocument(document, maxBytes)),
    // One document weighs what it weighs: the operator said how many there are.
    onHeld: () => undefined,
    tell: (what: string) => {
      if (what === 'garbage') onGarbage?.()
    },
  }
  const document = new CachedDocument<T>(source)
  return { get: async () => document.get(), renewed: interval => document.renewed(interval) }
}
