import { AgentError } from '@countersign/agent'
import { randomText } from '@countersign/httpsig'
import type { ClientCapabilities, ElicitRequestURLParams, ElicitResult } from '@modelcontextprotocol/sdk/types.js'

/** An MCP client whose user can be asked: the SDK's `Server` that serves it, or a `Bridge`. */
export interface ElicitingClient {
  /** Undefined once the client has gone. */
  readonly transport?: unknown
  getClientCapabilities(): ClientCapabilities | undefined
  elicitInput(
    params: ElicitRequestURLParams,
    options?: { readonly signal?: AbortSignal; readonly timeout?: number },
  ): Promise<ElicitResult>
  createElicitationCompletionNotifier(elicitationId: string): () => Promise<void>
}

/** A page to send a user to. */
export interface Elicitation {
  readonly url: string
  readonly message: string
  /** Ends the question. */
  readonly ended: AbortSignal
}

/** How a user was asked: with `complete` to tell the client that they are done, or that this client cannot ask, or has gone. */
export type Elicited =
  | { readonly action: ElicitResult['action']; readonly complete: () => Promise<void> }
  | { readonly action: 'unable' | 'ended' | 'gone' }

/**
 * Asks the user of a client to open a page.
 * @see https://modelcontextprotocol.io/specification/2025-11-25/client/elicitation#url-mode-elicitation-requests
 */
export async function elicit(
  client: ElicitingClient | undefined,
  { url, message, ended }: Elicitation,
): Promise<Elicited> {
  if (client?.getClientCapabilities()?.elicitation?.url === undefined) return { action: 'unable' }
  const elicitationId = randomText()
  const params = { mode: 'url' as const, elicitationId, url, message }
  const complete = client.createElicitationCompletionNotifier(elicitationId)
  try {
    const { action } = await client.elicitInput(params, { signal: ended, timeout: anHour })
    return { action, complete }
  } catch {
    if (ended.aborted) return { action: 'ended' }
    // Whoever quits their client while it asks wants no browser in its place.
    return { action: 'transport' in client && client.transport === undefined ? 'gone' : 'unable' }
  }
}

/** Milliseconds; no agent waits longer for a user. */
const anHour = 3_600_000

/** Why a user was not sent. */
export function refused(action: 'decline' | 'cancel' | 'gone'): AgentError {
  switch (action) {
    case 'decline':
      return new AgentError('denied', 'the user declined to be asked')
    case 'cancel':
      return new AgentError('denied', 'the user dismissed the question')
    case 'gone':
      return new AgentError('interaction_required', 'the MCP client went before its user answered')
  }
}
