import type { ReceivedMessage } from '@countersign/httpsig'
import { checkTarget } from '@countersign/httpsig/internal'
import { refusal } from '@countersign/protocol/internal'
import type { PerRequest, Verified } from '@countersign/verify'
import { renewalGrace } from '../token-lifetime.js'
import { enroll } from './enroll.js'
import { renew } from './renewal.js'
import type { DelegateToken, DelegateTokenContext } from './token-context.js'

/** How requests to the delegate token endpoint are verified. */
export const delegateRules: PerRequest = Object.freeze({ expiredAgentTokenGrace: renewalGrace })
const bodyLimit = 65_536

/**
 * Verifies the caller of the delegate token endpoint.
 * @throws AAuthError or HttpSigError with the code of protocol §8
 * @see protocol §5 "Delegates get agent tokens"
 */
export async function verifyDelegate(message: ReceivedMessage, context: DelegateTokenContext): Promise<Verified> {
  checkTarget(message)
  // Proxies log URLs: a secret in one must not work.
  if (message.target.includes('?')) {
    throw refusal('parameters_in_url')
  }
  if (message.body !== undefined && message.body.length > bodyLimit) {
    throw refusal('body_too_large', { about: 'at most 64 KiB' })
  }
  return context.verifier.verify(message, delegateRules)
}

/**
 * Answers a request to the delegate token endpoint: an inline key enrols, an agent token renews.
 * @throws AAuthError or HttpSigError with the code of protocol §8
 * @see protocol §5 "Delegates get agent tokens"
 */
export async function delegateToken(
  message: ReceivedMessage,
  verified: Verified,
  context: DelegateTokenContext,
): Promise<DelegateToken> {
  const { caller } = verified
  switch (caller.level) {
    case 'pseudonymous':
      return enroll({ message, verified, caller }, context)
    case 'identified':
      return renew({ message, verified, caller }, context)
    default:
      throw refusal('signature_missing', { about: 'sign with hwk to enrol, with the agent token to renew' })
  }
}
