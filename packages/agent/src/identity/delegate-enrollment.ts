import { type SigningKey, thumbprint } from '@countersign/httpsig'
import { AgentError, refusalOf } from '../error.js'
import type { Tell } from '../explanation.js'
import type { PostRequest } from '../wire/signed-post.js'
import { type DelegateSetup, type Enrolled, findTokenEndpoint, requestAgentToken } from './agent-token-request.js'
import type { CurrentKey, DelegateRecord, DelegateStore, NextKey } from './delegate-record.js'
import { keepAgentToken } from './delegate-token.js'
import type { Enrollment } from './enrollment.js'
import { enrollmentDigest, enrollmentMembers, lostEnrollmentError, refusedEnrollmentError } from './enrollment-proof.js'

/**
 * Enrols with a fresh key, or with the key of an earlier attempt that got no answer.
 * @throws AgentError `not_allowed` when `enroll` is missing, `denied`, `unreachable`, `invalid_answer`
 * @see protocol §5 *Enrolment*
 */
export async function enrol(before: DelegateRecord, setup: DelegateSetup, tell: Tell): Promise<Enrolled> {
  const { agentServer, enroll, store } = setup
  if (enroll === undefined)
    throw new AgentError('not_allowed', 'this delegate is not enrolled and has nothing to enrol with: give it `enroll`')
  tell(agentServer, 'enroll', `enrolling at ${agentServer} with a fresh key`)
  const url = await findTokenEndpoint(setup)
  const digest = await enrollmentDigest(enroll)
  const { name, key } = await enrollmentKey(before, digest, store)
  const request = await enrollmentRequest(enroll, url, key)
  const next: NextKey = { key: name, for: 'enrollment', ...(digest === undefined ? {} : { unanswered: digest }) }
  const { retired: _, ...rest } = before
  // Saved before the request: if the server took a key that was then lost, the code would be spent for nothing.
  await store.write({ ...rest, next })
  try {
    return await keepAgentToken(
      before,
      { ...(await requestAgentToken(request, { key }, setup)), name, key, enrolled_with: digest },
      setup,
    )
  } catch (error) {
    const refusal = refusalOf(error)
    if (refusal === undefined) throw error
    if (refusal.error === 'invalid_grant' && wasUnanswered(before, digest)) throw lostEnrollmentError(error)
    // invalid_request may mean that the key is not fresh, and would come again for ever: the next attempt makes a new key.
    const isTaken = refusal.error === 'invalid_request'
    await store.write(isTaken ? rest : { ...rest, next: { key: name, for: 'enrollment' } })
    throw refusedEnrollmentError(error, enroll)
  }
}

/** Whether the same code or token was sent before and got no answer. */
function wasUnanswered({ next }: DelegateRecord, digest: string | undefined): boolean {
  return digest !== undefined && next?.unanswered === digest
}

/**
 * Returns the key of an unanswered attempt, or a new one. A key whose enrolment got no answer may belong to a delegate by now,
 * so another code, which may be for another delegate, gets a new key.
 */
async function enrollmentKey(
  before: DelegateRecord,
  digest: string | undefined,
  store: DelegateStore,
): Promise<{ readonly name: string; readonly key: SigningKey }> {
  const { next } = before
  const isSame = next?.for === 'enrollment' && (next.unanswered === undefined || next.unanswered === digest)
  const key = isSame ? await store.load(next.key) : undefined
  return next === undefined || key === undefined ? store.generate(before) : { name: next.key, key }
}

async function enrollmentRequest(enroll: Enrollment, url: string, key: SigningKey): Promise<Omit<PostRequest, 'to'>> {
  const jkt = await thumbprint(key.publicJwk)
  const enrollment = await enrollmentMembers(enroll, { endpoint: url, thumbprint: jkt, audience: `${url}#${jkt}` })
  const request = { url, content: { json: JSON.stringify({ enrollment }) }, key } as const
  const signed = { ...request, signatureKey: { scheme: 'hwk', jwk: key.publicJwk } } as const
  return enroll.type === 'session' ? { ...signed, credentials: 'same-origin' } : signed
}

/** Whether `enroll` gives a code or token that the current enrolment has not used. */
export async function mayEnrolAgain({ enroll }: DelegateSetup, current: CurrentKey): Promise<boolean> {
  if (enroll === undefined) return false
  const digest = await enrollmentDigest(enroll)
  return digest === undefined || digest !== current.enrolled_with
}
