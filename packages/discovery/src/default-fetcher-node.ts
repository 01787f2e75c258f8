import type { Fetcher } from './fetcher.js'
import { guardedFetcher } from './guarded-fetcher.js'

/** The fetcher on Node refuses private addresses; in development it can reach loopback. */
export function defaultFetcher(development: boolean, mediaTypes?: readonly string[]): Fetcher {
  return guardedFetcher({ dangerouslyAllowLoopback: development, ...(mediaTypes && { mediaTypes }) })
}
