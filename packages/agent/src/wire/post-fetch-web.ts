import type { AAuthError } from '@countersign/protocol'
import type { UnreachableFacts } from './participant.js'
import type { PostFetch } from './signed-post.js'

/** Sends token requests by the platform's `fetch`. It does not check addresses: a page reaches no more by it than before. */
export function postFetch(): PostFetch {
  return (url, init) => globalThis.fetch(url, init)
}

/** A page is not told why a request failed. */
export function unreachableFacts(_error: unknown): UnreachableFacts {
  return {}
}

/** Whether the other party does not answer. */
export const isUnreachable = (error: AAuthError): boolean => error.status >= 500

/** Describes what is wrong with a document or token of another party. */
export const describeFault = (error: AAuthError): string => error.description
