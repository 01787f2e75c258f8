import type { ReceivedMessage, ReplaySet } from '@countersign/httpsig'
import { refusal } from '@countersign/protocol/internal'
import { checkReplay, type PseudonymousCaller, type Verified } from '@countersign/verify'
import { peerOf } from '@countersign/verify/internal'
import { parseEnrollment } from './enrollment-body.js'
import { type DelegateToken, type DelegateTokenContext, issueDelegateToken } from './token-context.js'

/** A request to enrol, verified by its inline key. */
interface EnrollmentCall {
  readonly message: ReceivedMessage
  readonly verified: Verified
  readonly caller: PseudonymousCaller
}

/**
 * Answers a request that a new key signed: if the enrolment is admitted, the key becomes the key of a delegate.
 * @throws AAuthError `invalid_request` for an unknown type, `invalid_grant` when it is not admitted; others of §8
 * @see protocol §5 "Enrolment"
 */
export async function enroll(
  { message, verified, caller }: EnrollmentCall,
  context: DelegateTokenContext,
): Promise<DelegateToken> {
  const { type, members } = parseEnrollment(message)
  const admit = context.enrollments.get(type)
  if (admit === undefined) throw refusal('enrolment_unsupported')
  const jkt = caller.key.thumbprint
  const admission = await admit({ members, message, jkt, endpoint: context.endpoint })
  const { sub, enrollment } = admission
  // Inline keys cost nothing: if refused requests were remembered, strangers could fill the replay set and stop renewals.
  await checkReplay({ replay: shareBySub(context.replay, sub), verified, partition: 'token' })
  // Signs first: if no token can be made (it is too long with this key), the proof of the enrolment must stay unused.
  const delegation = await context.delegates.delegationAfter(admission)
  const answer = await issueDelegateToken(context, { sub, jwk: caller.key.publicJwk, delegation })
  const facts = { type: 'enrolled', sub, enrollment, jkt, ...peerOf(caller) } as const
  const enrolled = await context.delegates.enroll(admission, jkt, tx => context.report.within(tx, facts))
  if (enrolled.outcome === 'used') {
    const { replacedOf } = enrolled
    // The caller has a replaced key and a valid proof besides: an alarm. @see protocol §5 "anything else by it"
    if (replacedOf !== undefined)
      await context.report.alone({ type: 'alarm', reason: 'replaced-key', sub: replacedOf, jkt, ...peerOf(caller) })
    throw refusal('delegate_key_used', { about: 'the key that signs the request' })
  }
  return answer
}

/** New keys of one delegate share one part of the replay set, apart from its renewals. */
function shareBySub(replay: ReplaySet, sub: string): ReplaySet {
  return { check: entry => replay.check({ ...entry, principal: `enrolment ${sub}`, site: undefined }) }
}
