import type { AAuthError } from '../error.js'
import { checkOptionsOffPage } from '../internal/check-options.js'
import { type AgentAuth, serializeAgentAuth } from './agent-auth.js'
import { textResponse } from './text-response.js'

/** What an error response carries beside its body. */
export interface ErrorResponseOptions {
  /** The challenge that tells the agent what would help. */
  readonly agentAuth?: AgentAuth
  /** More headers, e.g. `Allow` with a 405. */
  readonly headers?: Iterable<[string, string]>
  /** Unix seconds; default: the system clock. */
  readonly now?: () => number
}

/**
 * Turns an error into its HTTP answer: JSON, `no-store`, `Date` with 401 and 5xx, `Retry-After` in whole seconds
 * (1 when a 429 or 503 names none), `Agent-Auth: httpsig` with a 503 that says the request was not processed.
 * @see protocol.md §8, §4 and §3.7
 */
export function errorResponse(error: AAuthError, options: ErrorResponseOptions = {}): Response {
  checkOptionsOffPage('errorResponse', options, { agentAuth: 'object', headers: 'object', now: 'function' })
  const { code, description, status, required_components, algs } = error
  const headers = new Headers([...(options.headers ?? [])])
  headers.set('content-type', 'application/json')
  // A shared cache knows nothing of signatures: it would serve one agent's challenge, and its resource token, to the next.
  headers.set('cache-control', 'no-store')
  if (status === 401 || status >= 500) {
    const now = options.now ?? (() => Date.now() / 1000)
    headers.set('date', new Date(now() * 1000).toUTCString())
  }
  const retryAfter = error.retryAfter ?? (status === 429 || status === 503 ? 1 : undefined)
  if (retryAfter !== undefined) headers.set('retry-after', String(Math.max(1, Math.ceil(retryAfter))))
  const agentAuth = options.agentAuth ?? (error.notProcessed ? {} : undefined)
  if (agentAuth !== undefined) headers.set('agent-auth', serializeAgentAuth(agentAuth))
  const body = { error: code, error_description: description, required_components, algs }
  return textResponse(JSON.stringify(body), { status, headers })
}
