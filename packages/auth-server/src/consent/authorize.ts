import type { ReceivedMessage } from '@countersign/httpsig'
import { AAuthError, parseQuery, seeOther } from '@countersign/protocol'
import { consentPath } from './consent.js'
import type { ConsentContext } from './open-request.js'

/**
 * Answers `agent_auth_endpoint`: the browser that opens a request first has it, and goes on to the page for it. From there on
 * the URL holds neither `state` nor where the answer goes.
 * @throws AAuthError `invalid_request`, shown as a page: nothing in a link that is wrong in any way is followed
 * @see protocol §6.3
 */
export async function openRequest(message: ReceivedMessage, context: ConsentContext): Promise<Response> {
  const query = parseQuery(message.target)
  const request_token = query.get('request_token')
  const row = request_token === undefined ? undefined : await context.requests.find(request_token)
  if (row !== undefined) context.note?.({ row })
  if (request_token === undefined || row === undefined || row.user_code !== null || row.expires <= context.now()) {
    throw new AAuthError('invalid_request', 'This link is not valid, or no longer.')
  }
  // Open redirect, and answers that reach another callback than they were asked for: both are what they were, to the letter.
  if (query.get('redirect_uri') !== row.redirect_uri || (query.get('state') ?? null) !== row.state) {
    throw new AAuthError('invalid_request', 'This link is not as the agent made it.')
  }
  const { sessions } = context.login
  const { session, cookies } = await sessions.open(message, row.id)
  if (!(await context.requests.claim(row, session.id, sessions.openedAs(message, row.id)))) {
    throw new AAuthError('invalid_request', 'This link was opened in another browser before. Begin again at the agent.')
  }
  return seeOther(consentPath(request_token), cookies)
}
