import type { Fetcher } from '@countersign/discovery'
import { checkOptionsOffPage } from '@countersign/protocol'
import { readBounded } from './body.js'

/**
 * Fetches metadata and keys from a page or a worker, by the platform's `fetch`: without cookies, redirects, referrer or
 * the browser's cache, since discovery has its own.
 * It cannot see to which address a name leads, as `guardedFetcher` does on Node; a page reaches nothing by it that it
 * could not reach anyway, since browsers keep what other origins answer from it unless they allow CORS. For the same
 * reason every participant that the agent deals with must have CORS on for the page's origin.
 * Not for servers, where it would be a way into the network behind them.
 * @param options.fetch default: the platform's
 * @see protocol §10
 */
export function browserFetcher(options: { readonly fetch?: typeof fetch } = {}): Fetcher {
  checkOptionsOffPage('browserFetcher', options, { fetch: 'function' })
  const { fetch: send } = options
  return async (url, { maxBytes, signal }) => {
    const init: RequestInit = {
      headers: { accept: 'application/json' },
      // The browser's own cache would keep a withdrawn key for as long again, and answer the one look for an unknown `kid`.
      cache: 'no-store',
      credentials: 'omit',
      redirect: 'error',
      referrerPolicy: 'no-referrer',
      ...(signal === undefined ? {} : { signal }),
    }
    const response = await (send === undefined ? globalThis.fetch(url, init) : send(url, init))
    const body = await readBounded(response, maxBytes, { ...(signal === undefined ? {} : { signal }), rest: 'cancel' })
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
