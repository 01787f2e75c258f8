import type { HeaderLines } from '@countersign/httpsig'

/** The response to one GET; a redirect is such a response and is not followed. */
export interface FetchedDocument {
  readonly status: number
  /** The `Content-Type` as sent; empty when there was none. */
  readonly contentType: string
  readonly cacheControl?: string
  /** The header lines as received. Only the signatures of a bot's key directory are read from them; without, it proves no key. */
  readonly headers?: HeaderLines
  /** Decoded bytes, at most `maxBytes`; may be empty when the status is not 200. */
  readonly body: Uint8Array
}

/** The limits of one fetch. */
export interface FetcherOptions {
  /** Bytes of the body, after decoding. */
  readonly maxBytes: number
  /** Seconds until the first byte of the response; default: as long as the whole fetch may take. */
  readonly firstByte?: number
  /** Aborts when no caller waits for the document any more. */
  readonly signal?: AbortSignal
}

/**
 * Fetches one document from a URL that a stranger chose: without credentials, without following redirects.
 * On Node use `guardedFetcher`; on a platform without control over addresses write your own.
 * An `AAuthError` that it throws is a refusal and passed on as it is; any other error means that the host is unreachable.
 * @see protocol §10
 */
export type Fetcher = (url: string, options: FetcherOptions) => Promise<FetchedDocument>
