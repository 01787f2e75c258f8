import { answerUrl } from '@countersign/protocol'
import type { Grant } from '../grant/grants.js'
import { type GrantInteraction, secondsToDecide } from '../grant/interact.js'
import type { Form } from '../grant/requested-grant.js'
import { userUrl } from '../grant/user-url.js'
import { invalidAnswerError } from '../wire/participant.js'

/** A request that waits for its user, and where they decide on it. */
export interface ConsentRequest {
  readonly url: string
  readonly requestToken: string
  /** Until when: seconds from now. */
  readonly seconds: number
}

/**
 * Asks an auth server what may need a user, whose browser comes back to `redirect_uri`.
 * @throws AgentError `invalid_answer` where the answer is neither a grant nor a request that a user can be sent to
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
 * Where a page of a resource's own sends its user back, added to its URL.
 * @throws AgentError `invalid_answer` for one that has a way back already, or ends before what is added
 * @see protocol §7
 */
export function addReturn(page: string, back: { readonly return_url: string; readonly state: string }): string {
  const { searchParams } = new URL(page)
  // Two readers of one URL must not find two answers (INT-10).
  if (Object.keys(back).some(name => searchParams.has(name)) || page.includes('#'))
    throw invalidAnswerError('resource', 'user_interaction')
  return answerUrl(page, back)
}
