import type { Fetcher } from '@countersign/discovery'

/**
 * Where a platform gives no control over addresses there is no safe default.
 * @throws TypeError always
 */
export function defaultFetcher(_options: { readonly development: boolean }): Fetcher {
  throw new TypeError('on this platform createAgent needs a fetcher or a discovery: it cannot check addresses itself')
}
