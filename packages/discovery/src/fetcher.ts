/** What came from one GET, never a redirect's target. */
export interface FetchedDocument {
  readonly status: number
  /** The `Content-Type` as sent; empty when there was none. */
  readonly contentType: string
  readonly cacheControl?: string
  /** Decoded bytes, at most `maxBytes`; may be empty when the status is not 200. */
  readonly body: Uint8Array
}

/** The limits of one fetch. */
export interface FetcherOptions {
  /** Bytes of the body, after decoding. */
  readonly maxBytes: number
  /** Seconds until the first byte of the answer must be there; default: as long as the whole may take. */
  readonly firstByte?: number
  /** Aborts when nobody waits for the document any more. */
  readonly signal?: AbortSignal
}

/**
 * Gets one document that a stranger named: without credentials, without following redirects.
 * On Node use `guardedFetcher`; where a platform has no control of addresses, bring your own.
 * Throws on network trouble (anything: counted as unreachable) or refusal (an `AAuthError`: passed on as it is).
 * @see protocol §10
 */
export type Fetcher = (url: string, options: FetcherOptions) => Promise<FetchedDocument>
