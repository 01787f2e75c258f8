/** Why a message was refused before its signature was looked at. */
export type MessageReason =
  | 'request_cut_off'
  | 'body_unreadable'
  | 'body_too_large'
  | 'body_compressed'
  | 'body_not_shown'
  | 'body_framing_invalid'
  | 'header_lines_too_many'
  | 'header_too_long'
  | 'header_value_invalid'
  | 'authority_ambiguous'
  | 'authority_not_served'
  | 'target_malformed'
  | 'method_malformed'

/** Why a signature was refused. */
export type SignatureReason =
  | 'signature_missing'
  | 'signature_header_missing'
  | 'signature_header_repeated'
  | 'signature_header_malformed'
  | 'signature_label_missing'
  | 'signature_label_repeated'
  | 'signature_tagged'
  | 'signatures_too_many'
  | 'signature_key_malformed'
  | 'signature_key_parameter_missing'
  | 'signature_key_old_spelling'
  | 'scheme_unsupported'
  | 'key_unacceptable'
  | 'key_unknown'
  | 'algorithm_unsupported'
  | 'algorithm_mismatched'
  | 'component_not_covered'
  | 'component_missing'
  | 'component_repeated'
  | 'component_unsupported'
  | 'component_value_invalid'
  | 'components_too_many'
  | 'query_missing'
  | 'body_missing'
  | 'parameter_repeated'
  | 'signature_parameter_malformed'
  | 'created_missing'
  | 'created_in_future'
  | 'created_too_old'
  | 'signature_expired'
  | 'expires_before_created'
  | 'authority_mismatched'
  | 'digest_missing'
  | 'digest_malformed'
  | 'digest_unsupported'
  | 'digest_wrong'
  | 'signature_malformed'
  | 'signature_wrong'

/** What a signer did differently, found by verifying the message as it would be without that mistake. Never in a response. */
export type SignatureDiagnosis =
  | 'authority_of_host'
  | 'authority_forwarded'
  | 'authority_port'
  | 'authority_case'
  | 'authority_with_scheme'
  | 'authority_of_another'
  | 'path_slash'
  | 'path_decoded'
  | 'path_encoded'
  | 'path_with_query'
  | 'path_forwarded'
  | 'query_mark'
  | 'query_empty'
  | 'query_order'
  | 'query_space'
  | 'query_decoded'
  | 'query_encoded'
  | 'method_changed'
  | 'scheme_changed'
  | 'content_type_changed'
  | 'content_digest_changed'
  | 'header_spacing'
  | 'header_case'
  | 'header_lines'
  | 'signature_key_spelling'
  | 'parameters_order'
  | 'parameters_spelling'
  | 'parameters_added'
  | 'created_changed'
  | 'base_spelling'
  | 'signature_in_der'
  | 'signature_encoding'
  | 'key_wrong'
  | 'unexplained'

/** The reason of a refusal: a stable name, finer than its code. Table: `@countersign/httpsig/reasons`. */
export type HttpSigReason = MessageReason | SignatureReason

/** What one reason means, in the words of docs/reasons.md. */
export interface ReasonEntry {
  /** The values of `error` this reason comes with, the usual one first; none for a diagnosis, which is never in a response. */
  readonly codes: readonly string[]
  /** The HTTP status, where it is always the same and not the one of the code. */
  readonly status?: number
  /** What is wrong: one sentence, which `error_description` of the response says, too. */
  readonly meaning: string
  /** What the sender changes: one sentence. */
  readonly fix: string
  /** The clause of docs/protocol.md that the refusal enforces. */
  readonly clause: string
}

/** What an error takes from the entry of its reason. */
export interface ErrorWords extends Pick<ReasonEntry, 'codes' | 'meaning'> {
  readonly status?: number | undefined
}
