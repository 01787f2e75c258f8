import type { AAuthError } from '@countersign/protocol'
import type { UnreachableFacts } from './participant.js'
import type { PostFetch } from './signed-post.js'

/** The platform's own: it has no control of addresses, and a page reaches nothing by it that it could not reach anyway. */
export function postFetch(): PostFetch {
  return (url, init) => globalThis.fetch(url, init)
}

/** A page is not told why a request failed. */
export function unreachableFacts(_error: unknown): UnreachableFacts {
  return {}
}

/** Whether the other party gives no answer. */
export const isUnreachable = (error: AAuthError): boolean => error.status >= 500

/** What is wrong with a document or token of another party. */
export const describeFault = (error: AAuthError): string => error.description
