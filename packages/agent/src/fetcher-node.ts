import type { Fetcher } from '@countersign/discovery'
import { guardedFetcher } from '@countersign/discovery/node'

/** The fetcher that refuses private addresses; in development it reaches loopback. */
export function defaultFetcher(options: { readonly development: boolean }): Fetcher {
  return guardedFetcher({ dangerouslyAllowLoopback: options.development })
}
