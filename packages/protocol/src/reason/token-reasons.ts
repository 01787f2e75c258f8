import type { ReasonEntry } from '@countersign/httpsig/reasons'
import type { TokenReason } from './reason.js'

const codes = ['invalid_agent_token', 'invalid_auth_token', 'invalid_resource_token'] as const

/** Refusals of a token or of a proof of a key. */
export const tokenReasons: Readonly<Record<TokenReason, ReasonEntry>> = {
  token_malformed: {
    codes,
    meaning: 'The token is not a JWT of the form that its type has.',
    fix: 'Take the token as it was issued, unchanged.',
    clause: 'token.shape',
  },
  token_too_large: {
    codes: [...codes, 'invalid_request'],
    meaning: 'The token is, or would be, larger than 6 KiB.',
    fix: 'Ask for, or issue, fewer scopes and shorter names.',
    clause: 'token.size',
  },
  token_type_wrong: {
    codes,
    meaning: 'The token is not of the type that is needed here.',
    fix: 'Send the token that the description names.',
    clause: 'token.typ',
  },
  token_type_unsupported: {
    codes: ['unsupported_scheme'],
    meaning: 'The JWT in Signature-Key is neither an agent token nor an auth token.',
    fix: 'Send a token whose typ is agent+jwt or auth+jwt.',
    clause: 'sig.key.jwt-type',
  },
  token_claim_missing: {
    codes,
    meaning: 'The token has neither sub nor scope, or no scope where it needs one.',
    fix: 'Issue the token with the claim that the description names.',
    clause: 'token.claims',
  },
  token_claim_malformed: {
    codes,
    meaning: 'A claim of the token is missing, or has a form that is not allowed.',
    fix: 'Issue the token with a correct value for the claim that the description names.',
    clause: 'token.claims',
  },
  token_expired: {
    codes,
    meaning: 'The token has expired.',
    fix: 'Get a new token.',
    clause: 'token.times',
  },
  token_issued_in_future: {
    codes,
    meaning: "iat is ahead of the verifier's clock.",
    fix: "Set the issuer's clock.",
    clause: 'token.times',
  },
  token_not_yet_valid: {
    codes,
    meaning: "nbf is ahead of the verifier's clock.",
    fix: "Set the issuer's clock, or wait.",
    clause: 'token.times',
  },
  token_lives_too_long: {
    codes,
    meaning: 'The token lives longer than its type may.',
    fix: 'Issue the token for a shorter time.',
    clause: 'token.life',
  },
  token_audience_wrong: {
    codes,
    meaning: 'The token is for another receiver.',
    fix: 'Get a token for this receiver.',
    clause: 'token.auth.aud',
  },
  token_issuer_wrong: {
    codes: [...codes, 'discovery_failed'],
    meaning: 'The token is of another issuer than expected.',
    fix: 'Get the token from the expected issuer.',
    clause: 'token.issuer',
  },
  token_caller_mismatched: {
    codes,
    meaning: 'The token was issued to another agent, delegate or key than the caller.',
    fix: 'Send the token with the key that it was issued to.',
    clause: 'auth.resource-token.caller',
  },
  token_key_unknown: {
    codes,
    meaning: 'The issuer publishes no key with the kid of the token.',
    fix: 'Publish a key 30 seconds before its first use.',
    clause: 'token.kid',
  },
  token_algorithm_mismatched: {
    codes,
    meaning: 'The alg of the token is not that of the key its kid names.',
    fix: 'Sign with the algorithm of the published key.',
    clause: 'token.alg',
  },
  token_signature_wrong: {
    codes,
    meaning: "The signature of the token does not verify under its issuer's key.",
    fix: 'Take the token as it was issued, unchanged.',
    clause: 'token.signature',
  },
  token_conditions_unknown: {
    codes: ['policy_denied'],
    meaning:
      'The token has conditions that its type does not have: `delegation` is for agent tokens, `constraints` for auth tokens.',
    fix: 'The issuer must put the conditions into the claim of the type.',
    clause: 'token.policy',
  },
  operation_malformed: {
    codes: ['invalid_resource_token'],
    meaning: 'The operation of a resource token cannot be shown to a user as it is.',
    fix: 'Issue resource tokens with a published operation, a digest and a display of at most 500 plain characters.',
    clause: 'approval.display',
  },
  token_not_exchangeable: {
    codes: ['invalid_auth_token'],
    meaning: 'The token only signs a user in and cannot be exchanged.',
    fix: 'Exchange an auth token that has an agent and a scope.',
    clause: 'exchange.upstream',
  },
  grant_ended: {
    codes: ['invalid_auth_token', 'invalid_grant'],
    meaning: 'The grant that the token is based on has ended or was revoked.',
    fix: 'Ask for access again.',
    clause: 'exchange.upstream',
  },
  token_predates_start: {
    codes: ['invalid_auth_token'],
    meaning: 'The token was issued before the resource started, which may have missed that its grant has ended.',
    fix: 'Get a new token.',
    clause: 'token.times',
  },
  issuer_untrusted: {
    codes: ['untrusted_issuer'],
    meaning: 'The issuer of the token is not among those accepted here.',
    fix: 'Get a token from an accepted issuer; the challenge names the auth server.',
    clause: 'trust.resource.auth-servers',
  },
  chain_too_deep: {
    codes: ['access_denied', 'invalid_auth_token'],
    meaning: 'The delegation chain has more than five levels, or would have.',
    fix: 'Call with fewer services in between.',
    clause: 'limits.act',
  },
  chain_repeats_party: {
    codes: ['access_denied'],
    meaning: 'One party would be twice in the delegation chain.',
    fix: 'Do not route a call back through a party it came through.',
    clause: 'exchange.chain',
  },
  proof_invalid: {
    codes: ['invalid_request'],
    meaning: 'The proof of the new key is malformed, expired, or signed by another key.',
    fix: 'Make a new proof with the new key for this endpoint, delegate and current key.',
    clause: 'delegate.rotate',
  },
  proof_used: {
    codes: ['invalid_request'],
    meaning: 'The proof of the new key was used before.',
    fix: 'Make a new proof.',
    clause: 'delegate.rotate',
  },
}
