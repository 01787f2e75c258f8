import type { ReceivedMessage } from '@countersign/httpsig'
import { parseQuery, refusal, seeOther } from '@countersign/protocol/internal'
import { callerOf } from '../block/parties.js'
import { openedPath } from './claim.js'
import type { ConsentContext } from './open-request.js'

/**
 * Answers `agent_auth_endpoint`: the browser goes on to the page of the request, which it claims once its user has signed in. From there
 * on the URL holds neither `state` nor `redirect_uri`.
 * @throws AAuthError `invalid_request`, shown as a page and never as a redirect
 * @see protocol §6.3
 */
export async function openRequest(message: ReceivedMessage, context: ConsentContext): Promise<Response> {
  const query = parseQuery(message.target)
  const request_token = query.get('request_token')
  const row = request_token === undefined ? undefined : await context.requests.find(request_token)
  if (row !== undefined) context.note?.({ row })
  if (
    request_token === undefined ||
    row === undefined ||
    row.user_code !== null ||
    row.answer !== null ||
    row.expires <= context.now()
  ) {
    throw refusal('link_invalid')
  }
  // Open redirect, and answers at a wrong callback: `redirect_uri` and `state` must be exactly those of the request.
  if (query.get('redirect_uri') !== row.redirect_uri || (query.get('state') ?? null) !== row.state) {
    throw refusal('link_changed')
  }
  await context.blocks.check({ agents: [callerOf(row)] })
  const { session, cookies } = await context.login.sessions.begin(message)
  // Provisional until its user has seen the page. The release before may serve that page, and knows the browser by this claim only.
  await context.requests.claim(row, session.id)
  return seeOther(openedPath(row, { request_token, session }), cookies)
}
