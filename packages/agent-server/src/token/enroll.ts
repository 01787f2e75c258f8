import type { ReceivedMessage, ReplaySet } from '@countersign/httpsig'
import { AAuthError } from '@countersign/protocol'
import { checkReplay, type PseudonymousCaller, peerOf, type Verified } from '@countersign/verify'
import { parseEnrollment } from './enrollment-body.js'
import { type DelegateToken, type DelegateTokenContext, issueDelegateToken } from './token-context.js'

/**
 * Decides a request that a new key signed: what its body shows makes it the key of a delegate.
 * @throws AAuthError `invalid_request` for an unknown type, `invalid_grant` when what is shown does not admit; others of §8
 * @see protocol §5 "Enrolment"
 */
export async function enroll(
  message: ReceivedMessage,
  verified: Verified,
  caller: PseudonymousCaller,
  context: DelegateTokenContext,
): Promise<DelegateToken> {
  const { type, members } = parseEnrollment(message)
  const admit = context.enrollments.get(type)
  if (admit === undefined)
    throw new AAuthError('invalid_request', 'enrollment.type is none that this agent server takes')
  const jkt = caller.key.thumbprint
  const admission = await admit({ members, message, jkt, endpoint: context.endpoint })
  const { sub, enrollment } = admission
  // Inline keys are free: were each remembered before it is admitted, strangers could fill the replay set and stop renewals.
  await checkReplay({ replay: sharedBySub(context.replay, sub), verified, partition: 'token' })
  // Before what was shown is used up: an enrolment that no token could answer (too long under this key) would cost it for nothing.
  const answer = await issueDelegateToken(context, { sub, jwk: caller.key.publicJwk })
  const enrolled = await context.delegates.enroll(admission, jkt)
  if (enrolled.outcome === 'used') {
    const { replacedOf } = enrolled
    // Somebody holds a key that was given up, and something to enrol with besides (protocol §5 "anything else by it").
    if (replacedOf !== undefined)
      context.onEvent({ type: 'alarm', reason: 'replaced-key', sub: replacedOf, jkt, ...peerOf(caller) })
    throw new AAuthError(
      'invalid_request',
      'the key that signs is or was the key of a delegate; enrol with a fresh one',
    )
  }
  context.onEvent({ type: 'enrolled', sub, enrollment, jkt, ...peerOf(caller) })
  return answer
}

/** Fresh keys of one delegate share what is remembered of it, apart from its renewals. */
function sharedBySub(replay: ReplaySet, sub: string): ReplaySet {
  return { check: entry => replay.check({ ...entry, principal: `enrolment ${sub}`, site: undefined }) }
}
