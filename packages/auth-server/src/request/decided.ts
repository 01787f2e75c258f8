import { answerUrl, seeOther } from '@countersign/protocol/internal'
import { codeOf } from '../secret/request-token.js'
import type { RequestBy } from './read-request.js'

/** Sends the browser back to the agent with what its user decided: a code, or a no. @see protocol §6.3 */
export function answerRedirect(
  { code_secret, redirect_uri, state }: RequestBy<'browser'>,
  request_token: string,
  issuer: string,
): Response {
  const outcome = code_secret === null ? { error: 'access_denied' } : { code: codeOf(request_token, code_secret) }
  return seeOther(answerUrl(redirect_uri, { ...outcome, state, iss: issuer }))
}
