import type { AAuthError } from '../error.js'
import { checkOptionsOffPage } from '../internal/check-options.js'
import { type AgentAuth, serializeAgentAuth } from './agent-auth.js'
import { textResponse } from './text-response.js'

/** The options of {@link errorResponse}. */
export interface ErrorResponseOptions {
  /** The challenge: what the agent must send instead. */
  readonly agentAuth?: AgentAuth
  /** Further headers, e.g. `Allow` with a 405. */
  readonly headers?: Iterable<[string, string]>
  /** Unix seconds; default: the system clock. */
  readonly now?: () => number
}

/**
 * Makes the HTTP response of an error: JSON, `no-store`, `Date` with 401 and 5xx, `Retry-After` in whole seconds (1 when a 429 or 503
 * has none), `Agent-Auth: httpsig` with a 503 for a request that was not processed.
 * @see protocol §8, §4 and §3.7
 */
export function errorResponse(error: AAuthError, options: ErrorResponseOptions = {}): Response {
  checkOptionsOffPage('errorResponse', options, { agentAuth: 'object', headers: 'object', now: 'function' })
  const { code, reason, description, status, required_components, algs } = error
  const headers = new Headers([...(options.headers ?? [])])
  headers.set('content-type', 'application/json')
  // A shared cache ignores signatures: it would send the challenge of one agent, with its resource token, to another.
  headers.set('cache-control', 'no-store')
  if (status === 401 || status >= 500) {
    const now = options.now ?? (() => Date.now() / 1000)
    headers.set('date', new Date(now() * 1000).toUTCString())
  }
  const retryAfter = error.retryAfter ?? (status === 429 || status === 503 ? 1 : undefined)
  if (retryAfter !== undefined) headers.set('retry-after', String(Math.max(1, Math.ceil(retryAfter))))
  const agentAuth = options.agentAuth ?? (error.notProcessed ? {} : undefined)
  if (agentAuth !== undefined) headers.set('agent-auth', serializeAgentAuth(agentAuth))
  const body = { error: code, reason, error_description: description, required_components, algs }
  return textResponse(JSON.stringify(body), { status, headers })
}
