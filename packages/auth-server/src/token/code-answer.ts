import type { StoredRequest } from '../request/read-request.js'
import { codeOf, isCode, redemptionHash } from '../secret/request-token.js'
import { isCallers } from './is-callers.js'
import { redeem } from './redemption.js'
import type { TokenAnswer, TokenCall, TokenContext } from './token-context.js'
import type { CodeRequest } from './token-request.js'

/**
 * Answers `request_type=code`.
 * @throws AAuthError `invalid_grant`, `access_denied`
 * @see protocol §6.2, §7
 */
export async function answerCode(
  request: CodeRequest,
  call: Pick<TokenCall, 'caller' | 'discovery'>,
  context: TokenContext,
): Promise<TokenAnswer> {
  const { code, redirect_uri, request_token } = request
  const { requests, now } = context
  const row = await requests.find(request_token)
  return redeem(
    {
      by: 'code',
      redemption: redemptionHash(['code', code, redirect_uri, request_token]),
      row: row !== undefined && isBound(request, row) && (await isCallers(row, call.caller, context)) ? row : undefined,
      isAllowed: async ({ status, expires }) => status === 'granted' && expires > now(),
    },
    call,
    context,
  )
}

/** Stolen or injected codes: a code works only with its own request token and `redirect_uri`. */
function isBound(request: CodeRequest, row: StoredRequest): boolean {
  const { code, redirect_uri, request_token } = request
  if (row.way !== 'browser' || row.code_secret === null) return false
  return row.redirect_uri === redirect_uri && isCode(code, codeOf(request_token, row.code_secret))
}
