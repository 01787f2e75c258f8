/**
 * Why the agent has no response to give:
 * `network` the called server could not be reached · `unreachable` another participant could not be ·
 * `invalid_answer` another participant answered what it must not · `denied` another participant said no ·
 * `not_allowed` this agent's own policy said no before anything was sent · `interaction_required` a user would have to agree,
 * at the `url` of the error where it has one · `invalid_callback` a callback answers nothing that this session began ·
 * `unsupported` the other side lacks what was asked for · `invalid_resource_token` the resource's token is not for this agent ·
 * `refused` the server said no, of a `RefusedError` only · `body_too_large` the request body exceeds `bodyLimit` · `state_unusable` the saved state cannot be read safely.
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
 * What `agent.fetch` and `agent.requestAccess` throw where no Response exists.
 * The message is constant text; the facts are data in `cause` and hold no token, key or code.
 */
export class AgentError extends Error {
  override readonly name = 'AgentError'
  readonly code: AgentErrorCode
  // Private, so that printing the error does not put a link into a log that works for whoever opens it first.
  readonly #url: string | undefined

  constructor(code: AgentErrorCode, message: string, cause?: unknown, url?: string) {
    super(message, cause === undefined ? undefined : { cause })
    this.code = code
    this.#url = url
  }

  /** Where to send the user of this session, of an `interaction_required` for which there is such a place. */
  get url(): string | undefined {
    return this.#url
  }
}

/** The status and OAuth error with which another participant refused: the `cause` of a `denied`. */
export interface Refusal {
  /** Absent where the user's browser brought the refusal. */
  readonly status?: number
  readonly error?: string
  /** Seconds by which this machine's clock is ahead of the other's, where that may be the reason. */
  readonly skew?: number
}

/** The refusal inside a `denied` error, undefined for every other error. */
export function refusalOf(error: unknown): Refusal | undefined {
  if (!(error instanceof AgentError) || error.code !== 'denied') return undefined
  return error.cause as Refusal
}

/** A resource must ask its user at `page`, on its own origin, and this agent cannot send them. */
export function resourceMustAskError(page: string): AgentError {
  const message = 'the resource must ask its user first, at the url of this error'
  return new AgentError('interaction_required', message, { resource: new URL(page).origin }, page)
}
