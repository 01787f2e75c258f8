import { AgentError, type Visit } from '@countersign/agent'
import { randomText } from '@countersign/httpsig/internal'

/** The URL that a client is asked to show to its user. */
export interface UrlQuestion {
  mode: 'url'
  message: string
  elicitationId: string
  url: string
}

/** What the user of a client decided. */
export interface UserAnswer {
  readonly action: 'accept' | 'decline' | 'cancel'
}

/** An MCP client whose user can be asked: the `Server` of either line of the SDK that serves it, or a `Bridge`. */
export interface ElicitingClient {
  /** Undefined once the client has disconnected. */
  readonly transport?: unknown
  getClientCapabilities(): { readonly elicitation?: { readonly url?: object | undefined } | undefined } | undefined
  // unchecked options params and options: others implement it, and we call it
  elicitInput(
    params: UrlQuestion,
    options?: { readonly signal?: AbortSignal; readonly timeout?: number },
  ): Promise<UserAnswer>
  createElicitationCompletionNotifier(elicitationId: string): () => Promise<void>
}

/** A question that sends a user to a page. */
export interface Elicitation {
  readonly url: string
  readonly message: string
  /** Ends the question. */
  readonly ended: AbortSignal
}

/**
 * The result of a question: the user's answer, with `complete` to tell the client that the user is done; or that the client cannot
 * ask (`unable`), has disconnected (`gone`), or the question has ended (`ended`).
 */
export type Elicited =
  | { readonly action: UserAnswer['action']; readonly complete: () => Promise<void> }
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
    // A user who quits the client while it asks does not want a browser instead.
    return { action: 'transport' in client && client.transport === undefined ? 'gone' : 'unable' }
  }
}

/**
 * What the auth server asks, for the client to show. With the hosts only, which are verified: the words of scopes and operations are the
 * resource's own, and the values of a call may be an attacker's. The page shows them, each in its own place.
 */
export function questionText({
  issuer,
  resource,
  operation,
}: Pick<Visit, 'issuer' | 'resource' | 'operation'>): string {
  const [asker, where] = [issuer, resource].map(id => new URL(id).host)
  return operation === undefined
    ? `${asker} asks you whether to allow access to ${where}`
    : `${asker} asks you whether to approve one call to ${where}`
}

/** Milliseconds; no agent waits longer for its user. */
const anHour = 3_600_000

/** The error for a user who was asked and did not agree. */
export function refusalError(action: 'decline' | 'cancel' | 'gone'): AgentError {
  switch (action) {
    case 'decline':
      return new AgentError('denied', 'the user declined to be asked')
    case 'cancel':
      return new AgentError('denied', 'the user dismissed the question')
    case 'gone':
      return new AgentError('interaction_required', 'the MCP client disconnected before its user answered')
  }
}
