import type { Fetcher } from './fetcher.js'

/**
 * There is no safe default on a platform without control over addresses.
 * @throws TypeError always
 */
export function defaultFetcher(_development: boolean, _mediaTypes?: readonly string[]): Fetcher {
  throw new TypeError('on this platform a fetcher must be passed in: it cannot check addresses itself')
}
