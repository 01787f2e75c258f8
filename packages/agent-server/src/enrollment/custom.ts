import { createHash } from 'node:crypto'
import { checkOptions, type OptionChecks, refusal, restriction } from '@countersign/protocol/internal'
import { checkDelegation, type Delegation } from '../delegation/delegation.js'
import { sweeper } from '../sweep.js'
import {
  type Admission,
  type Enrollment,
  type EnrollmentContext,
  type EnrollmentRequest,
  qualifyOwnName,
} from './enrollment.js'
import { takeProof } from './used-proof.js'

/** The longest time in seconds for which a proof may be remembered. */
const longestOnce = 366 * 86_400

/** The delegate that a custom enrolment admits. */
export interface CustomAdmission {
  /** Names the delegate within the type: its `sub` is `TYPE:` and this, or its hash when that is over 512 bytes. */
  readonly sub: string
  /** Names how it enrolled, so that all delegates of one source can be revoked: `TYPE:` and this. */
  readonly enrollment: string
  /** For a proof that may be used once: its `id`, and its end in Unix seconds, at most a year ahead. It is remembered until then, and refused after. */
  readonly once?: { readonly id: string; readonly expires: number }
  /** What it may be used for, and where. Default: no conditions. */
  readonly delegation?: Delegation
}

const admissionChecks: OptionChecks<CustomAdmission> = {
  sub: 'string',
  enrollment: 'string',
  once: { id: 'string', expires: 'number' },
  // With a misspelt condition a delegate could do more; each is checked where it is read.
  delegation: restriction('object'),
}

/**
 * Enrolment by your own function. It is called for requests of `type` after the signature by the new key was verified. It returns
 * the delegate that the key may become, or undefined to refuse with 400 `invalid_grant`; an `AAuthError` that it throws is the
 * answer. Strangers can call it without limit: do the cheap checks first.
 * @throws TypeError when `type` is not 1 to 32 of `a-z 0-9 _ -`, beginning with a letter, or one of `code`, `oidc`, `session`
 * @see protocol §5 "Enrolment"
 */
export function custom(
  type: string,
  decide: (request: EnrollmentRequest) => CustomAdmission | undefined | Promise<CustomAdmission | undefined>,
): Enrollment {
  if (!/^[a-z][a-z0-9_-]{0,31}$/.test(type) || ['code', 'oidc', 'session'].includes(type))
    throw new TypeError('type must be a name such as "tpm", and not a built-in type')
  if (typeof decide !== 'function') throw new TypeError('custom: its second argument must be a function that decides')
  return {
    type,
    open: context => {
      const { store, now } = context
      const sweep = sweeper(store, 'agent_server_used_proofs', now)
      return async request => {
        const decided = await decide(request)
        if (decided === undefined) throw refusal('enrolment_refused')
        if (decided.once !== undefined) await sweep()
        return makeAdmission(type, decided, context)
      }
    },
  }
}

function makeAdmission(
  type: string,
  admitted: CustomAdmission,
  { now, delegations }: Pick<EnrollmentContext, 'now' | 'delegations'>,
): Admission {
  // With a misspelt `once`, one proof could enrol any number of keys.
  checkOptions('custom', admitted, admissionChecks, ['sub', 'enrollment'])
  const { sub: name, enrollment, once } = admitted
  const delegation = admitted.delegation && checkDelegation(admitted.delegation, delegations)
  const sub = qualifyOwnName(type, name)
  const admission = { sub, enrollment: qualifyOwnName(type, enrollment), delegation }
  if (once === undefined) return admission
  // Milliseconds given for seconds would be remembered for ever.
  if (!(once.expires < now() + longestOnce)) throw new TypeError('once.expires must be Unix seconds, within a year')
  if (once.expires <= now()) throw refusal('enrolment_expired')
  const hash = createHash('sha256').update(`${type}:${once.id}`).digest('base64url')
  return { ...admission, take: tx => takeProof(tx, { hash, sub, expires: once.expires, now: now() }) }
}
