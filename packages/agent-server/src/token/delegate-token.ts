import { checkTarget, type ReceivedMessage } from '@countersign/httpsig'
import { AAuthError } from '@countersign/protocol'
import type { PerRequest, Verified } from '@countersign/verify'
import { renewalGrace } from '../token-lifetime.js'
import { enroll } from './enroll.js'
import { renew } from './renewal.js'
import type { DelegateToken, DelegateTokenContext } from './token-context.js'

/** How requests to the delegate token endpoint are verified. */
export const delegateRules: PerRequest = Object.freeze({ expiredAgentTokenGrace: renewalGrace })
const bodyLimit = 65_536

/**
 * Establishes who asks the delegate token endpoint.
 * @throws AAuthError or HttpSigError with the code of protocol §8
 * @see protocol §5 "Delegates get agent tokens"
 */
export async function verifyDelegate(message: ReceivedMessage, context: DelegateTokenContext): Promise<Verified> {
  checkTarget(message)
  // A secret in a URL ends in logs; there is nothing here to ask for in one.
  if (message.target.includes('?')) {
    throw new AAuthError('invalid_request', 'this endpoint takes no parameters in the URL')
  }
  if (message.body !== undefined && message.body.length > bodyLimit) {
    throw new AAuthError('invalid_request', 'the body is larger than 64 KiB', { status: 413 })
  }
  return context.verifier.verify(message, delegateRules)
}

/**
 * Decides one request to the delegate token endpoint: an inline key enrols, an agent token renews.
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
      return enroll(message, verified, caller, context)
    case 'identified':
      return renew(message, verified, caller, context)
    default:
      throw new AAuthError('invalid_signature', 'sign the request: with hwk to enrol, with the agent token to renew')
  }
}
