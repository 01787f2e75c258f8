import type { Fetcher } from '@countersign/discovery'
import { checkOptionsOffPage } from '@countersign/protocol/internal'
import { readBounded } from './body.js'

/**
 * Fetches metadata and keys from a page or a worker, by the platform's `fetch`: without cookies, redirects, referrer or
 * the browser's cache, since discovery has its own.
 * It does not check addresses as `guardedFetcher` does on Node: a browser hides the answers of other origins from a page
 * unless they allow CORS. For the same reason every participant must allow CORS for the page's origin.
 * Not for servers, where it would open a way into the network behind them (SSRF).
 * @param options.fetch default: the platform's
 * @see protocol §10
 */
export function browserFetcher(options: { readonly fetch?: typeof fetch } = {}): Fetcher {
  checkOptionsOffPage('browserFetcher', options, { fetch: 'function' })
  const { fetch: send } = options
  return async (url, { maxBytes, signal }) => {
    const init: RequestInit = {
      headers: { accept: 'application/json' },
      // The browser's cache would keep a withdrawn key for longer, and would answer the one refetch for an unknown `kid`.
      cache: 'no-store',
      credentials: 'omit',
      redirect: 'error',
      referrerPolicy: 'no-referrer',
      signal: signal ?? null,
    }
    const response = await (send === undefined ? globalThis.fetch(url, init) : send(url, init))
    const body = await readBounded(response, maxBytes, { signal, rest: 'cancel' })
    if (body === undefined) throw new TypeError('the document is larger than maxBytes, or did not come in time')
    const cacheControl = response.headers.get('cache-control')
    return {
      status: response.status,
      contentType: response.headers.get('content-type') ?? '',
      ...(cacheControl === null ? {} : { cacheControl }),
      body,
    }
  }
}
