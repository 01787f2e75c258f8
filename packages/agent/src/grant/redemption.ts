import { isListed } from '@countersign/protocol'
import { AgentError } from '../error.js'
import type { Grant } from './grants.js'
import type { CallbackReceiver } from './interact.js'
import type { Form, RequestedGrant } from './token-context.js'
import { checkAndKeepGrant, postTokenRequest } from './token-request.js'

/**
 * Redeems a code for a grant, which is checked and stored. Asks once more when the answer is lost.
 * The request is signed with the current key, which may have replaced the key that signed the first request.
 * @throws AgentError `not_allowed`, `denied`, `unreachable`, `invalid_answer`
 * @see protocol §6.2 `code`, `device_code`
 */
export async function redeemCode(
  asked: RequestedGrant,
  form: Form,
  { tell, redemption: context }: Pick<CallbackReceiver, 'tell' | 'redemption'>,
): Promise<Grant> {
  if (!(await isListed(context.acceptAuthServer ?? [], asked.issuer)))
    // trust.agent.auth-server
    throw new AgentError('not_allowed', 'acceptAuthServer does not list this auth server', { authServer: asked.issuer })
  const self = await context.credentials.current(tell)
  const ask = (): Promise<Readonly<Record<string, unknown>>> =>
    postTokenRequest({ issuer: asked.issuer, form, tell }, self, context)
  const answer = await ask().catch(async error => {
    if (!(error instanceof AgentError) || error.code !== 'unreachable') throw error
    // The auth server may have redeemed the code; it repeats its answer for a minute (protocol §6.2).
    await context.sleep(1)
    return ask()
  })
  return checkAndKeepGrant(answer, { asked, self }, context)
}
