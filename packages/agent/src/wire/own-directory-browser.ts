import { createDirectory, type Directory } from '@countersign/discovery'
import type { OwnDirectoryOptions } from './own-directory.js'

/** In a page an agent works for one user, and a browser bounds by itself how much is fetched at once. */
export function ownDirectory({ fetcher, ...options }: OwnDirectoryOptions): Directory {
  if (fetcher === undefined) throw new TypeError('a browser needs a fetcher, such as browserFetcher()')
  return createDirectory({ fetcher, ...options })
}
