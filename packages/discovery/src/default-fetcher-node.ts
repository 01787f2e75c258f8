import type { Fetcher } from './fetcher.js'
import { guardedFetcher } from './guarded-fetcher.js'

/** On Node: the fetcher that refuses private addresses; in development it reaches loopback. */
export function defaultFetcher(development: boolean): Fetcher {
  return guardedFetcher({ dangerouslyAllowLoopback: development })
}
