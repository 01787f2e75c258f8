import type { Unreached } from './participant.js'
import type { PostFetch } from './signed-post.js'

/** The platform's own: it has no control of addresses, and a page reaches nothing by it that it could not reach anyway. */
export function postFetch(): PostFetch {
  return (url, init) => globalThis.fetch(url, init)
}

/** Where a request failed; a page is not told why. */
export function unreached(error: unknown): Unreached {
  const { url } = Object(Object(error).cause)
  return url === undefined ? {} : { origin: new URL(url).origin }
}
