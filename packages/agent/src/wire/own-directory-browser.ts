import type { Directory } from '@countersign/discovery'
import { directoryOf } from '@countersign/discovery/internal'
import { parseEndpoints } from '@countersign/protocol/internal'
import type { OwnDirectoryOptions } from './own-directory.js'

/** Creates the directory of an agent in a page: for one user, and the browser bounds how much is fetched at once. */
export function ownDirectory({ fetcher, ...options }: OwnDirectoryOptions): Directory {
  if (fetcher === undefined) throw new TypeError('a browser needs a fetcher, such as browserFetcher()')
  return directoryOf(parseEndpoints, { fetcher, ...options })
}
