import { withCalls } from './aauth.js'
import type { Authorization } from './authorize.js'

/** Whether a resource refuses, or only tells what it would refuse. */
export type Mode = 'enforce' | 'observe'

/** What marks the events of a resource that only observes. */
export function markOf(mode: Mode): { readonly observed?: true } {
  return mode === 'observe' ? { observed: true } : {}
}

/**
 * A request that is only observed: let through, and nothing is known of its caller. A handler that took the facts of requests
 * that would pass for verified ones would believe, with the same right, those of requests that would not.
 */
export function letThrough(): Authorization & { readonly ok: true } {
  const aauth = withCalls({ level: 'anonymous', scope: [], chain: [] }, { fetch: forNobody, oauth: forNobody })
  return { ok: true, observed: true, aauth, respond: async () => undefined }
}

async function forNobody(): Promise<never> {
  throw new TypeError('aauth.fetch and aauth.oauth act for a caller that was verified, and this resource only observes')
}
