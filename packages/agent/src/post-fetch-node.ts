import { guardedFetch } from '@countersign/discovery/node'
import type { Unreached } from './participant.js'
import type { PostFetch } from './signed-post.js'

/**
 * How token requests are sent where nothing else is given. A stranger names their URLs, in metadata or a challenge: the address that
 * a name has when it is connected to is checked.
 */
export function postFetch(development: boolean): PostFetch {
  return guardedFetch({ dangerouslyAllowLoopback: development })
}

/** Where and why a request failed, as far as an error or one of its causes tells. */
export function unreached(error: unknown): Unreached {
  let found: Unreached = {}
  for (let at = error, depth = 0; at instanceof Object && depth < 6; depth++) {
    const { url, why, code, name, cause } = at as Readonly<Record<string, unknown>>
    if (typeof url === 'string') found = { origin: new URL(url).origin, ...found }
    // A code of the platform's (ECONNREFUSED) and none of the protocol's.
    const reason = why ?? (/^[A-Z]\w{2,40}$/.test(String(code)) ? code : name === 'TimeoutError' ? name : undefined)
    if (typeof reason === 'string') found = { reason, ...found }
    at = cause
  }
  return found
}
