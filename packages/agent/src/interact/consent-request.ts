import { answerUrl } from '@countersign/protocol/internal'
import type { Grant } from '../grant/grants.js'
import { type GrantInteraction, secondsToDecide } from '../grant/interact.js'
import type { Form } from '../grant/token-context.js'
import { userUrl } from '../grant/user-url.js'
import { invalidAnswerError } from '../wire/participant.js'

/** A token request that waits for its user. */
export interface ConsentRequest {
  /** Where the user decides. */
  readonly url: string
  readonly requestToken: string
  /** Seconds that the user has to decide. */
  readonly seconds: number
}

/**
 * Sends a token request that may need a user, whose browser comes back to `redirect_uri`.
 * @throws AgentError `invalid_answer` when the answer is neither a grant nor names a URL for the user
 * @see protocol §6.2, §6.3
 */
export async function requestConsent(
  interaction: Pick<GrantInteraction, 'begin' | 'authEndpoint'>,
  form: Form & { readonly redirect_uri: string; readonly state: string },
  context: { readonly development: boolean },
): Promise<Grant | ConsentRequest> {
  const { redirect_uri, state } = form
  const first = await interaction.begin(form)
  if (first.grant !== undefined) return first.grant
  const { request_token: requestToken, expires_in } = first.answer
  if (typeof requestToken !== 'string' || requestToken === '' || requestToken.length > 4096)
    throw invalidAnswerError('auth server', 'request_token')
  const seconds = secondsToDecide(expires_in)
  if (seconds === undefined) throw invalidAnswerError('auth server', 'expires_in')
  const query = new URLSearchParams({ request_token: requestToken, redirect_uri, state })
  const url = userUrl(`${await interaction.authEndpoint()}?${query}`, context)
  if (url === undefined) throw invalidAnswerError('auth server', 'agent_auth_endpoint')
  return { url, requestToken, seconds }
}

/**
 * Adds the return URL and the state to the URL of a resource's own page.
 * @throws AgentError `invalid_answer` for a URL that has one of them already, or a fragment
 * @see protocol §7
 */
export function addReturn(page: string, back: { readonly return_url: string; readonly state: string }): string {
  const { searchParams } = new URL(page)
  // A parameter that occurs twice is read as the first by one server and the last by another (INT-10).
  if (Object.keys(back).some(name => searchParams.has(name)) || page.includes('#'))
    throw invalidAnswerError('resource', 'user_interaction')
  return answerUrl(page, back)
}
