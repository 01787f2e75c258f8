import type { Fetcher } from './fetcher.js'

/**
 * Where a platform gives no control over addresses there is no safe default.
 * @throws TypeError always
 */
export function defaultFetcher(_development: boolean): Fetcher {
  throw new TypeError('on this platform a fetcher must be passed in: it cannot check addresses itself')
}
