import { checkOptions } from '@countersign/protocol/internal'
import { CachedDocument } from './cached-document.js'
import { fetchDocument } from './fetch-document.js'
import type { FetchedDocument, Fetcher } from './fetcher.js'
import { readDocument } from './read-document.js'

/** A document at a URL that an operator configured; it is cached as the documents of participants are. */
export interface DocumentAt<T> {
  /**
   * The document: while fresh from memory, else fetched, once for all callers that ask at the same time. When its host does not
   * answer or sends garbage, the last good document is served for up to 1 h.
   * @throws AAuthError `discovery_failed`: 401 when it is missing or wrong, 503 with `retryAfter` when the host does not answer
   */
  get(): Promise<T>
  /**
   * Fetches the document even if it is fresh, unless the last fetch began less than `interval` seconds ago.
   * @throws AAuthError `discovery_failed` when the last attempt failed
   */
  renewed(interval: number): Promise<T>
}

/**
 * Caches one JSON document that is not AAuth's own, such as the keys of an OpenID provider, with the same guard, deadlines,
 * limits and lifetimes. Nothing is fetched yet.
 * @param options.url the URL of the document; the fetcher decides whether it may be fetched
 * @param options.maxBytes largest size of the body, after decoding
 * @param options.read turns the JSON into the value to cache; throws AAuthError `discovery_failed` when the document is wrong
 * @param options.fetcher on Node `guardedFetcher()`
 * @param options.onGarbage called at each fetch that brings garbage after a good document was fetched before
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
      url: 'string',
      maxBytes: 'number',
      read: 'function',
      fetcher: 'function',
      onGarbage: 'function',
      now: 'function',
    },
    ['url', 'maxBytes', 'read', 'fetcher'],
  )
  const { url, maxBytes, read, fetcher, onGarbage, now = () => Date.now() / 1000 } = options
  const source = {
    now,
    fetch: () => fetchDocument(fetcher, url, maxBytes),
    read: (document: FetchedDocument) => read(readDocument(document, maxBytes)),
    // The size is not counted: the operator decides how many such documents there are.
    onHeld: () => undefined,
    tell: (what: string) => {
      if (what === 'garbage') onGarbage?.()
    },
  }
  const document = new CachedDocument<T>(source)
  return { get: async () => document.get(), renewed: interval => document.renewed(interval) }
}
