import { createDiscovery, type Directory, type Fetcher } from '@countersign/discovery'

/** Options of {@link ownDirectory}. */
export interface OwnDirectoryOptions {
  readonly fetcher?: Fetcher
  /** Unix seconds. */
  readonly now: () => number
  readonly development: boolean
}

/** Creates the directory of an agent that may serve many users at once. @throws TypeError when the platform needs a `fetcher` */
export function ownDirectory(options: OwnDirectoryOptions): Directory {
  return createDiscovery(options)
}
