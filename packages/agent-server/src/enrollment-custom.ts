import { createHash } from 'node:crypto'
import {
  type Admission,
  type Enrollment,
  type EnrollmentRequest,
  ownNameWithin,
  refusedEnrollment,
} from './enrollment.js'
import { takeProof } from './used-proof.js'

/** Who a custom enrolment admits. */
export interface CustomAdmission {
  /** Names the delegate within the type: its `sub` is `TYPE:` and this, or its hash when that is over 512 bytes. */
  readonly sub: string
  /** What it came by, for revoking all that did: `TYPE:` and this. */
  readonly enrollment: string
  /** When what was shown counts once: what identifies it, and when it ends in Unix seconds, until when it is remembered. */
  readonly once?: { readonly id: string; readonly expires: number }
}

/**
 * Enrolment by a function of your own. It is called for requests of `type` whose signature by the new key was verified, and
 * answers who that key may be a delegate as, or undefined to refuse (400 `invalid_grant`); an `AAuthError` that it throws is
 * answered as it is. Strangers can call it as often as they like: check what costs nothing first.
 * @throws TypeError when `type` is not 1 to 32 of `a-z 0-9 _ -`, beginning with a letter, or one of `code`, `oidc`, `session`
 * @see protocol §5 "Enrolment"
 */
export function custom(
  type: string,
  decide: (request: EnrollmentRequest) => CustomAdmission | undefined | Promise<CustomAdmission | undefined>,
): Enrollment {
  if (!/^[a-z][a-z0-9_-]{0,31}$/.test(type) || ['code', 'oidc', 'session'].includes(type))
    throw new TypeError('type must be a name of your own such as "tpm"')
  return {
    type,
    open: context => async request => {
      const decided = await decide(request)
      if (decided === undefined) throw refusedEnrollment('what the enrolment shows does not admit')
      return admissionOf(type, decided, context.now)
    },
  }
}

function admissionOf(type: string, { sub: name, enrollment, once }: CustomAdmission, now: () => number): Admission {
  const sub = ownNameWithin(type, name)
  const admission = { sub, enrollment: ownNameWithin(type, enrollment) }
  if (once === undefined) return admission
  const hash = createHash('sha256').update(`${type}:${once.id}`).digest('base64url')
  return { ...admission, take: tx => takeProof(tx, { hash, sub, expires: once.expires, now: now() }) }
}
