import type { HttpSigReason } from '@countersign/httpsig'

/** Why a request was refused for its route, body or parameters. */
export type RequestReason =
  | 'http_malformed'
  | 'request_too_slow'
  | 'body_chunks_too_small'
  | 'path_unknown'
  | 'path_not_plain'
  | 'method_not_allowed'
  | 'content_type_unsupported'
  | 'form_malformed'
  | 'json_malformed'
  | 'parameters_in_url'
  | 'parameter_missing'
  | 'parameter_malformed'
  | 'parameter_too_long'
  | 'parameter_unsupported'
  | 'parameters_conflicting'
  | 'purposes_malformed'
  | 'purpose_unknown'
  | 'request_too_large'
  | 'request_type_missing'
  | 'request_type_unsupported'
  | 'agent_auth_malformed'
  | 'redirect_uri_unregistered'
  | 'redirect_uri_invalid'
  | 'scope_malformed'
  | 'scope_unknown'
  | 'scope_not_allowed'

/** Why a token, or a proof of a key, was refused. */
export type TokenReason =
  | 'token_malformed'
  | 'token_too_large'
  | 'token_type_wrong'
  | 'token_type_unsupported'
  | 'token_claim_missing'
  | 'token_claim_malformed'
  | 'token_expired'
  | 'token_issued_in_future'
  | 'token_not_yet_valid'
  | 'token_lives_too_long'
  | 'token_audience_wrong'
  | 'token_issuer_wrong'
  | 'token_caller_mismatched'
  | 'token_key_unknown'
  | 'token_algorithm_mismatched'
  | 'token_signature_wrong'
  | 'token_conditions_unknown'
  | 'operation_malformed'
  | 'token_not_exchangeable'
  | 'grant_ended'
  | 'token_predates_start'
  | 'issuer_untrusted'
  | 'chain_too_deep'
  | 'chain_repeats_party'
  | 'proof_invalid'
  | 'proof_used'

/** Why a request was refused although its signature is right. */
export type AccessReason =
  | 'level_insufficient'
  | 'credential_not_accepted'
  | 'scope_missing'
  | 'caller_denied'
  | 'policy_refused'
  | 'via_missing'
  | 'rate_exceeded'
  | 'failures_exceeded'
  | 'request_replayed'
  | 'bearer_malformed'
  | 'bearer_invalid'
  | 'bot_signature_repeated'
  | 'bot_parameter_malformed'
  | 'bot_agent_malformed'
  | 'bot_not_listed'
  | 'bot_key_unknown'
  | 'user_needed'
  | 'user_mismatched'
  | 'downstream_refused'
  | 'caller_not_allowed'

/** Why a delegation policy, or a user who is asked for each call, does not let a request pass. */
export type ConditionReason =
  | 'condition_malformed'
  | 'condition_ended'
  | 'condition_outside_hours'
  | 'condition_resource'
  | 'condition_scope'
  | 'condition_purpose'
  | 'condition_chain'
  | 'condition_arguments'
  | 'condition_data'
  | 'condition_upgrade'
  | 'operation_unnamed'
  | 'operation_misspelt'
  | 'calls_used_up'
  | 'calls_uncountable'
  | 'answer_withheld'
  | 'conditions_unsupported'
  | 'condition_word_unknown'
  | 'conditions_too_long'
  | 'approval_needed'
  | 'approval_of_another'
  | 'approval_used'
  | 'approval_impossible'
  | 'approver_missing'
  | 'approvals_exceeded'
  | 'inbox_unavailable'
  | 'approval_stopped'

/** Why a participant cannot answer now. */
export type AvailabilityReason =
  | 'starting'
  | 'not_ready'
  | 'draining'
  | 'capacity_exceeded'
  | 'store_unavailable'
  | 'database_restored'
  | 'dependency_unavailable'
  | 'dependency_invalid'
  | 'key_not_ready'
  | 'internal_error'

/** Why a participant's metadata or keys could not be used. */
export type DiscoveryReason =
  | 'identifier_malformed'
  | 'address_not_allowed'
  | 'participant_unreachable'
  | 'document_missing'
  | 'document_too_large'
  | 'document_malformed'
  | 'document_of_another'
  | 'jwks_malformed'
  | 'fetches_exceeded'

/** Why a code, a sign-in or a page of a user was refused. */
export type UserReason =
  | 'grant_invalid'
  | 'upstream_expired'
  | 'interaction_code_invalid'
  | 'decision_pending'
  | 'poll_too_fast'
  | 'device_code_expired'
  | 'user_refused'
  | 'caller_blocked'
  | 'user_blocked'
  | 'user_unavailable'
  | 'exchange_not_allowed'
  | 'link_invalid'
  | 'link_changed'
  | 'link_of_another_browser'
  | 'request_ended'
  | 'signed_out'
  | 'page_not_from_here'
  | 'form_incomplete'
  | 'sign_in_invalid'
  | 'passkey_invalid'
  | 'passkey_copied'
  | 'invitation_invalid'
  | 'account_not_linked'
  | 'sign_in_way_last'
  | 'sign_in_cancelled'
  | 'sign_in_failed'
  | 'user_code_unknown'
  | 'guesses_exceeded'
  | 'quota_exceeded'
  | 'asked_too_often'

/** Why an enrolment or a renewal of a delegate was refused. */
export type DelegateReason =
  | 'enrolment_malformed'
  | 'audience_not_allowed'
  | 'enrolment_unsupported'
  | 'enrolment_code_invalid'
  | 'enrolment_refused'
  | 'enrolment_used'
  | 'enrolment_expired'
  | 'oidc_token_malformed'
  | 'oidc_issuer_untrusted'
  | 'oidc_token_mismatched'
  | 'oidc_token_expired'
  | 'oidc_signature_wrong'
  | 'session_missing'
  | 'delegate_revoked'
  | 'delegate_key_used'
  | 'delegate_key_not_current'

/** Why a gateway or an MCP endpoint refused a request. */
export type HopReason =
  | 'header_ambiguous'
  | 'method_overridden'
  | 'facts_too_long'
  | 'origin_not_allowed'
  | 'session_unknown'
  | 'session_id_invalid'
  | 'event_unknown'
  | 'rpc_malformed'
  | 'mcp_headers_mismatched'
  | 'continuation_unknown'
  | 'rpc_id_in_use'
  | 'subject_unknown'
  | 'upgrade_not_alone'
  | 'websocket_handshake_invalid'
  | 'websocket_unsupported'
  | 'body_unseen'

/**
 * The reason of a refusal: a stable name, finer than its code. The table with meaning, fix and clause of each is
 * `@countersign/protocol/reasons`; docs/reasons.md is made from it.
 * @see protocol §8
 */
export type Reason =
  | HttpSigReason
  | RequestReason
  | TokenReason
  | AccessReason
  | ConditionReason
  | AvailabilityReason
  | DiscoveryReason
  | UserReason
  | DelegateReason
  | HopReason
