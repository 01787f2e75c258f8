import type { ReasonEntry } from '@countersign/httpsig/reasons'
import type { DelegateReason } from './reason.js'

const codes = ['invalid_grant'] as const

/** Refusals of an enrolment or renewal of a delegate. */
export const delegateReasons: Readonly<Record<DelegateReason, ReasonEntry>> = {
  enrolment_malformed: {
    codes: ['invalid_request'],
    meaning: 'The body is not an enrolment, a renewal or a rotation.',
    fix: 'Send the JSON that protocol §5 shows for delegates.',
    clause: 'delegate.json',
  },
  audience_not_allowed: {
    codes: ['invalid_request'],
    meaning: 'aud names a receiver at which the delegate may not be used.',
    fix: 'Name only receivers in `aud` that the operator of the agent server allows.',
    clause: 'policy.delegates',
  },
  enrolment_unsupported: {
    codes: ['invalid_request'],
    meaning: 'The agent server does not support this type of enrolment.',
    fix: 'Ask its operator which types it supports.',
    clause: 'delegate.enrol.unknown',
  },
  enrolment_code_invalid: {
    codes,
    meaning: 'The enrolment code is unknown, used or expired.',
    fix: 'Ask the operator for a new code.',
    clause: 'delegate.enrol.code',
  },
  enrolment_refused: {
    codes,
    meaning: 'The agent server does not accept the enrolment.',
    fix: 'Ask its operator.',
    clause: 'delegate.enrol.refused',
  },
  enrolment_used: {
    codes,
    meaning: 'The proof of the enrolment was used before.',
    fix: 'Get a new proof, such as a new OIDC token.',
    clause: 'delegate.enrol.refused',
  },
  enrolment_expired: {
    codes,
    meaning: 'The proof of the enrolment has expired, or was issued before the database was restored.',
    fix: 'Get a new proof, such as a new OIDC token.',
    clause: 'delegate.enrol.refused',
  },
  oidc_token_malformed: {
    codes,
    meaning: 'The OIDC token is not a signed JWT of the expected form.',
    fix: 'Send the token as the platform issued it.',
    clause: 'delegate.enrol.oidc',
  },
  oidc_issuer_untrusted: {
    codes,
    meaning: 'The issuer of the OIDC token is not one that may enrol here.',
    fix: 'Ask the operator to add a rule for the issuer.',
    clause: 'delegate.enrol.oidc',
  },
  oidc_token_mismatched: {
    codes,
    meaning: 'A claim, the audience or the algorithm of the OIDC token does not fit the rule.',
    fix: 'Request the token with the audience and claims of the rule.',
    clause: 'delegate.enrol.oidc',
  },
  oidc_token_expired: {
    codes,
    meaning: 'The OIDC token has expired, is not valid yet, or lives too long.',
    fix: 'Request a new token.',
    clause: 'delegate.enrol.oidc',
  },
  oidc_signature_wrong: {
    codes,
    meaning: "The signature of the OIDC token does not verify under its issuer's keys.",
    fix: 'Send the token as the platform issued it.',
    clause: 'delegate.enrol.oidc',
  },
  session_missing: {
    codes,
    meaning: 'There is no signed-in session.',
    fix: 'Sign in at the agent server first.',
    clause: 'delegate.enrol.session',
  },
  delegate_revoked: {
    codes,
    meaning: 'The delegate was revoked.',
    fix: 'Ask the operator, who may reinstate it.',
    clause: 'delegate.enrol.refused',
  },
  delegate_key_used: {
    codes: ['invalid_request'],
    meaning: 'The key is or was the key of a delegate.',
    fix: 'Make a new key.',
    clause: 'delegate.rotate',
  },
  delegate_key_not_current: {
    codes: ['invalid_agent_token'],
    meaning: 'The key is not the current key of its delegate.',
    fix: 'Enrol again.',
    clause: 'delegate.renew.current-key',
  },
}
