import { principalOf } from '../grant/decide.js'
import { grantFacts } from '../grant/grants.js'
import type { VerifiedCaller } from './identified-form.js'
import type { TokenContext } from './token-context.js'
import { parseRevocation } from './token-request.js'

/**
 * Ends the caller's grant of this refresh token; answers once that is on disk. A token of another caller changes nothing, and the
 * answer is the same.
 * @throws AAuthError `invalid_request` when there is no `token`
 * @see protocol §6.2
 */
export async function answerRevocation(
  form: ReadonlyMap<string, string>,
  { caller, once }: Pick<VerifiedCaller, 'caller' | 'once'>,
  context: Pick<TokenContext, 'grants' | 'report'>,
): Promise<object> {
  const owner = principalOf(caller)
  const token = parseRevocation(form)
  await once()
  const { grants, report } = context
  const ended = await grants.revoke(owner, token, (tx, grant) =>
    report.within(tx, { type: 'revoked', found: true, ...grantFacts(owner, grant) }),
  )
  if (ended === undefined) await report.alone({ type: 'revoked', ...owner, found: false })
  return {}
}
