import { createHash } from 'node:crypto'
import { checkOptions, type OptionChecks } from '@countersign/protocol'
import { sweeper } from '../sweep.js'
import {
  type Admission,
  type Enrollment,
  type EnrollmentRequest,
  ownNameWithin,
  refusedEnrollment,
} from './enrollment.js'
import { takeProof } from './used-proof.js'

/** Seconds for which what was shown may be remembered. */
const longestOnce = 366 * 86_400

/** Who a custom enrolment admits. */
export interface CustomAdmission {
  /** Names the delegate within the type: its `sub` is `TYPE:` and this, or its hash when that is over 512 bytes. */
  readonly sub: string
  /** What it came by, for revoking all that did: `TYPE:` and this. */
  readonly enrollment: string
  /** When what was shown counts once: what identifies it, and when it ends in Unix seconds, at most a year ahead: it is remembered until then, and refused afterwards. */
  readonly once?: { readonly id: string; readonly expires: number }
}

const admissionChecks: OptionChecks<CustomAdmission> = {
  sub: 'string',
  enrollment: 'string',
  once: { id: 'string', expires: 'number' },
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
  if (typeof decide !== 'function') throw new TypeError('custom: its second argument must be a function that decides')
  return {
    type,
    open: ({ store, now }) => {
      const sweep = sweeper(store, 'agent_server_used_proofs', now)
      return async request => {
        const decided = await decide(request)
        if (decided === undefined) throw refusedEnrollment('what the enrolment shows does not admit')
        if (decided.once !== undefined) await sweep()
        return admissionOf(type, decided, now)
      }
    },
  }
}

function admissionOf(type: string, admitted: CustomAdmission, now: () => number): Admission {
  // A misspelt `once` would let what was shown enrol again and again.
  checkOptions('custom', admitted, admissionChecks, ['sub', 'enrollment'])
  const { sub: name, enrollment, once } = admitted
  const sub = ownNameWithin(type, name)
  const admission = { sub, enrollment: ownNameWithin(type, enrollment) }
  if (once === undefined) return admission
  // Milliseconds taken for seconds would be remembered for ever.
  if (!(once.expires < now() + longestOnce)) throw new TypeError('once.expires must be Unix seconds, within a year')
  if (once.expires <= now()) throw refusedEnrollment('what the enrolment shows has ended')
  const hash = createHash('sha256').update(`${type}:${once.id}`).digest('base64url')
  return { ...admission, take: tx => takeProof(tx, { hash, sub, expires: once.expires, now: now() }) }
}
