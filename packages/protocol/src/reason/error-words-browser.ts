import type { HttpSigReason } from '@countersign/httpsig'
import { type ErrorWords, httpSigErrorWords, listedUnder } from '@countersign/httpsig/internal'
import type { Reason } from './reason.js'

const byCode = {
  invalid_auth_token: 'token_not_exchangeable token_predates_start grant_ended approval_of',
  unsupported_scheme: 'token_type_unsupported',
  policy_denied:
    'token_conditions operation_un operation_misspelt caller_denied policy_ via_ condition_m condition_e condition_o condition_r ' +
    'condition_s condition_p condition_c condition_d condition_a condition_u calls_un answer_ conditions_un approval_impossible ' +
    'approval_unshowable body_unseen',
  invalid_agent_token: 'token_ delegate_key_not',
  invalid_resource_token: 'operation_',
  untrusted_issuer: 'issuer_',
  access_denied:
    'chain_ user_mismatched user_refused user_blocked user_unavailable downstream_ condition approver_ approval_stopped caller_blocked ' +
    'exchange_ signed_ page_ sign_in_invalid sign_in_cancelled sign_in_failed',
  interaction_required: 'user_needed',
  insufficient_level: 'level_ credential_ approval_needed',
  insufficient_scope: 'scope_missing',
  rate_limited: 'rate_ failures_ calls_ approvals_ guesses_ quota_ asked_',
  replay_detected: 'request_replayed approval_used',
  invalid_signature: 'bearer_invalid bot_ key_public',
  unauthorized_client: 'caller_not inbox_',
  unsupported_request_type: 'request_type_un',
  invalid_scope: 'scope_',
  discovery_failed: 'identifier_ address_ participant_ document_ jwks_ fetches_',
  invalid_grant:
    'grant_invalid upstream_ interaction_ enrolment_code enrolment_r enrolment_used enrolment_e oidc_ session_missing delegate_revoked',
  authorization_pending: 'decision_',
  slow_down: 'poll_',
  expired_token: 'device_ request_ended',
  temporarily_unavailable: 'starting not_ready capacity_ store_ database_ dependency_ key_not_ready',
  server_error: 'internal_',
}
const byStatus = {
  403: 'origin_not_allowed',
  404: 'path_unknown session_unknown',
  405: 'method_not_allowed',
  408: 'request_too_slow',
  413: 'body_chunks_too_small',
  415: 'content_type_unsupported',
  431: 'facts_too_long',
}

/** As in `error-words.ts`, but in a page: without sentences, which it would have to load, and with the usual code only. */
export function errorWords(reason: Reason): ErrorWords {
  const { codes, status } = httpSigErrorWords(reason as HttpSigReason)
  const code = listedUnder(byCode, reason)
  return {
    codes: code === undefined ? codes : [code],
    status: Number(listedUnder(byStatus, reason)) || status,
    meaning: reason,
  }
}
