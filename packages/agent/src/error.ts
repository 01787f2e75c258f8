/**
 * Why the agent has no response to return:
 * `network` the called server could not be reached · `unreachable` another participant could not be reached ·
 * `invalid_answer` another participant sent an answer that breaks the protocol · `denied` another participant refused ·
 * `not_allowed` the agent's own policy refused before anything was sent · `interaction_required` a user must agree first,
 * at the `url` of the error if it has one · `invalid_callback` a callback belongs to no request of this session ·
 * `unsupported` the other side lacks the feature · `invalid_resource_token` the resource token is not for this agent ·
 * `refused` the server refused (a `RefusedError`) · `body_too_large` the request body exceeds `bodyLimit` ·
 * `state_unusable` the saved state cannot be read safely.
 */
export type AgentErrorCode =
  | 'network'
  | 'unreachable'
  | 'invalid_answer'
  | 'denied'
  | 'not_allowed'
  | 'interaction_required'
  | 'invalid_callback'
  | 'unsupported'
  | 'invalid_resource_token'
  | 'refused'
  | 'body_too_large'
  | 'state_unusable'

/**
 * The error of `agent.fetch` and the other methods of an agent, for calls that end without a Response.
 * The facts are data in `cause`. Neither they nor the message hold a token, key or code.
 */
export class AgentError extends Error {
  override readonly name = 'AgentError'
  readonly code: AgentErrorCode
  // Private: a printed error must not leave the link in a log. It works for anyone who opens it first.
  readonly #url: string | undefined

  constructor(code: AgentErrorCode, message: string, cause?: unknown, url?: string) {
    super(message, cause === undefined ? undefined : { cause })
    this.code = code
    this.#url = url
  }

  /** Where to send the user of this session. Only an `interaction_required` may have it. */
  get url(): string | undefined {
    return this.#url
  }
}

/** The `cause` of a `denied`: the status, OAuth error and reason with which another participant refused. */
export interface Refusal {
  /** Absent when the refusal came in a callback. */
  readonly status?: number
  readonly error?: string
  /** The reason of the refusal, a name of docs/reasons.md, if the participant gave one. */
  readonly reason?: string
  /** Seconds by which this clock is ahead of the other one, if that may be the reason. */
  readonly skew?: number
}

/** The refusal inside a `denied` error, undefined for every other error. */
export function refusalOf(error: unknown): Refusal | undefined {
  if (!(error instanceof AgentError) || error.code !== 'denied') return undefined
  return error.cause as Refusal
}

/** The error for a resource that must ask its user at `page`, when this agent cannot send the user there. */
export function resourceMustAskError(page: string): AgentError {
  const message = 'the resource must ask its user first, at the url of this error'
  return new AgentError('interaction_required', message, { resource: new URL(page).origin }, page)
}
