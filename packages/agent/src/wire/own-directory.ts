import { createDiscovery, type Directory, type Fetcher } from '@countersign/discovery'

/** How an agent that is given no discovery finds out about others. */
export interface OwnDirectoryOptions {
  readonly fetcher?: Fetcher
  /** Unix seconds. */
  readonly now: () => number
  readonly development: boolean
}

/** Where an agent may work for many users at once. @throws TypeError where the platform needs a `fetcher` */
export function ownDirectory(options: OwnDirectoryOptions): Directory {
  return createDiscovery(options)
}
