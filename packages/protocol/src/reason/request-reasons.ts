import type { ReasonEntry } from '@countersign/httpsig/reasons'
import type { RequestReason } from './reason.js'

const codes = ['invalid_request'] as const

/** Refusals of a request for its route, body or parameters. */
export const requestReasons: Readonly<Record<RequestReason, ReasonEntry>> = {
  http_malformed: {
    codes,
    meaning: 'The bytes are not a well-formed HTTP request.',
    fix: 'Send well-formed HTTP/1.1.',
    clause: 'error.invalid-request',
  },
  request_too_slow: {
    codes,
    status: 408,
    meaning: 'The request did not arrive in time.',
    fix: 'Send the whole request without long pauses.',
    clause: 'error.invalid-request',
  },
  body_chunks_too_small: {
    codes,
    status: 413,
    meaning: 'The body arrives in so many small chunks that they cost more memory than their bytes.',
    fix: 'Write the body in chunks of some KiB.',
    clause: 'limits.body-memory',
  },
  path_unknown: {
    codes,
    status: 404,
    meaning: 'Nothing is served at this path.',
    fix: "Take URLs from the participant's metadata.",
    clause: 'error.method',
  },
  path_not_plain: {
    codes,
    meaning: 'The path is not in its plain spelling, so the API behind the gateway could read another path.',
    fix: 'Send the path without needless escapes, dot segments and double slashes.',
    clause: 'sig.target.one-path',
  },
  method_not_allowed: {
    codes,
    status: 405,
    meaning: 'This method is not allowed here.',
    fix: 'Use a method that Allow lists.',
    clause: 'error.method',
  },
  content_type_unsupported: {
    codes,
    status: 415,
    meaning: 'The body is not of the media type that this endpoint accepts, or Content-Type is there twice.',
    fix: 'Send one Content-Type: the one that the description names.',
    clause: 'error.media-type',
  },
  form_malformed: {
    codes,
    meaning: 'The form is not UTF-8, or has a bad percent escape, a NUL, or more than 100 parameters.',
    fix: 'Send the form as application/x-www-form-urlencoded in UTF-8.',
    clause: 'token-endpoint.form',
  },
  json_malformed: {
    codes,
    meaning: 'The body is not the JSON that this endpoint expects, or JSON that has more than one reading.',
    fix: 'Send one JSON value in UTF-8 without repeated members.',
    clause: 'error.invalid-request',
  },
  parameters_in_url: {
    codes,
    meaning: 'Parameters are in the URL, where this endpoint takes none.',
    fix: 'Send parameters in the body only.',
    clause: 'token-endpoint.url',
  },
  parameter_missing: {
    codes,
    meaning: 'A parameter that is needed is missing.',
    fix: 'Add the parameter that the description names.',
    clause: 'token-endpoint.form',
  },
  parameter_malformed: {
    codes,
    meaning: 'A parameter has a form that is not allowed.',
    fix: 'Change the parameter that the description names.',
    clause: 'token-endpoint.form',
  },
  parameter_too_long: {
    codes,
    meaning: 'A parameter is longer than its limit.',
    fix: 'Shorten the parameter that the description names.',
    clause: 'limits.before-parsing',
  },
  parameter_unsupported: {
    codes,
    meaning: 'This participant does not support a parameter of the request, or its value.',
    fix: 'Leave the parameter out; metadata lists what is supported.',
    clause: 'error.invalid-request',
  },
  parameters_conflicting: {
    codes,
    meaning: 'Of parameters that exclude each other, not exactly one is given.',
    fix: 'Send exactly one of them.',
    clause: 'auth.one-request',
  },
  purposes_malformed: {
    codes,
    meaning: 'purposes is not a list of at most 64 names, each once, set apart by single spaces.',
    fix: 'Send names set apart by single spaces.',
    clause: 'policy.purposes',
  },
  purpose_unknown: {
    codes,
    meaning: 'purposes has a name that the resource does not publish.',
    fix: 'Use the names in purposes of the metadata of the resource.',
    clause: 'policy.purposes',
  },
  request_too_large: {
    codes,
    meaning: 'The request would take more storage than one pending request may.',
    fix: 'Shorten purpose, state or scope.',
    clause: 'request.shares',
  },
  request_type_missing: {
    codes,
    meaning: 'request_type is missing.',
    fix: 'Add request_type.',
    clause: 'token-endpoint.request-type',
  },
  request_type_unsupported: {
    codes: ['unsupported_request_type'],
    meaning: 'This auth server does not offer this request_type.',
    fix: 'Use one of request_types_supported.',
    clause: 'token-endpoint.request-type',
  },
  agent_auth_malformed: {
    codes,
    meaning: 'Agent-Auth is not well-formed.',
    fix: 'Write Agent-Auth as the Structured Field Item httpsig with its parameters.',
    clause: 'challenge.syntax',
  },
  redirect_uri_unregistered: {
    codes,
    meaning: "redirect_uri is not among the agent's redirect_uris, or they could not be read.",
    fix: "Publish the redirect_uri in the agent's metadata.",
    clause: 'id.redirect-uris',
  },
  redirect_uri_invalid: {
    codes,
    meaning: 'redirect_uri has a parameter of the answer in its query.',
    fix: 'Leave the parameters of the answer out of redirect_uri.',
    clause: 'consent.redirect-uri',
  },
  scope_malformed: {
    codes: ['invalid_scope'],
    meaning: 'scope is too long, or not a list of at most 64 names, each once, with single spaces between.',
    fix: 'Write each scope name once, with single spaces between.',
    clause: 'error.invalid-scope',
  },
  scope_unknown: {
    codes: ['invalid_scope'],
    meaning: 'scope has a name that this participant does not have.',
    fix: 'Ask for scopes that the metadata lists.',
    clause: 'error.invalid-scope',
  },
  scope_not_allowed: {
    codes: ['invalid_scope'],
    meaning: 'This caller, or this refresh token, may not ask for one of the scopes.',
    fix: 'Ask for fewer scopes, or with a resource token.',
    clause: 'auth.self.delegate',
  },
}
