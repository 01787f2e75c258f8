import type { ReceivedMessage } from '@countersign/httpsig'
import { checkTarget } from '@countersign/httpsig/internal'
import { checkBodySize, refusal } from '@countersign/protocol/internal'
import type { PerRequest, Verified } from '@countersign/verify'
import { renewalGrace } from '../token-lifetime.js'
import { enroll } from './enroll.js'
import { renew } from './renewal.js'
import type { DelegateToken, DelegateTokenContext } from './token-context.js'

/** How requests to the delegate token endpoint are verified. */
const delegateRules: PerRequest = Object.freeze({ expiredAgentTokenGrace: renewalGrace })

/**
 * Verifies the caller of the delegate token endpoint by the head of its request.
 * @throws AAuthError or HttpSigError with the code of protocol §8
 * @see protocol §5 "Delegates get agent tokens"
 */
export async function verifyDelegate(message: ReceivedMessage, context: DelegateTokenContext): Promise<Verified> {
  checkTarget(message)
  // Proxies log URLs: a secret in one must not work.
  if (message.target.includes('?')) {
    throw refusal('parameters_in_url')
  }
  checkBodySize(message)
  return context.verifier.verifyHead(message, delegateRules)
}

/**
 * Answers a request to the delegate token endpoint: an inline key enrols, an agent token renews.
 * @throws AAuthError or HttpSigError with the code of protocol §8
 * @see protocol §5 "Delegates get agent tokens"
 */
export async function delegateToken(head: Verified, context: DelegateTokenContext): Promise<DelegateToken> {
  const { caller } = head
  switch (caller.level) {
    case 'pseudonymous':
      return enroll({ ...(await verifyDelegateBody(head, context)), caller }, context)
    case 'identified':
      return renew({ ...(await verifyDelegateBody(head, context)), caller }, context)
    default:
      throw refusal('signature_missing', { about: 'sign with hwk to enrol, with the agent token to renew' })
  }
}

async function verifyDelegateBody(
  head: Verified,
  { verifier }: DelegateTokenContext,
): Promise<{ readonly message: ReceivedMessage; readonly verified: Verified }> {
  const verified = await verifier.verifyBody(head, delegateRules)
  checkBodySize(verified.message)
  return { message: verified.message, verified }
}
