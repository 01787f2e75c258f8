import { parsePurposes } from '@countersign/protocol'
import { isSafeId, refusal } from '@countersign/protocol/internal'

/** The access that is asked for: at another resource, by its resource token, or at the agent itself, by scope (the direct form). */
export type AccessRequest = ({ readonly resource_token: string } | { readonly scope: string }) & {
  readonly purpose?: string | undefined
  /** Names among the resource's purposes. */
  readonly purposes?: readonly string[] | undefined
  /** The user whom the agent expects to sign in. */
  readonly login_hint?: string | undefined
}

/** `request_type=auth`. */
export type AuthRequest = AccessRequest & {
  readonly request_type: 'auth'
  /** Where the user's browser goes with the answer, if the user is asked. */
  readonly redirect_uri?: string | undefined
  readonly state?: string | undefined
  /** `inbox`: the user answers in their account, and the agent polls. For approvals of single calls only. */
  readonly answer?: 'inbox' | undefined
}

/** `request_type=poll`. */
export interface PollRequest {
  readonly request_type: 'poll'
  readonly request_token: string
}

/** `request_type=device_auth`. */
export type DeviceAuthRequest = AccessRequest & { readonly request_type: 'device_auth' }

/** `request_type=code`. */
export interface CodeRequest {
  readonly request_type: 'code'
  readonly code: string
  readonly redirect_uri: string
  readonly request_token: string
}

/** `request_type=device_code`. */
export interface DeviceCodeRequest {
  readonly request_type: 'device_code'
  readonly device_code: string
}

/** `request_type=refresh`. */
export interface RefreshRequest {
  readonly request_type: 'refresh'
  readonly refresh_token: string
  /** A narrower scope than the grant's. */
  readonly scope?: string | undefined
}

/** `request_type=exchange`. */
export interface ExchangeRequest {
  readonly request_type: 'exchange'
  /** Of the downstream resource. */
  readonly resource_token: string
  /** The auth token that the caller was called with. */
  readonly upstream_token: string
  readonly purpose?: string | undefined
  /** Names among the resource's purposes, all of them purposes of the upstream token. */
  readonly purposes?: readonly string[] | undefined
  /** As in `auth`. */
  readonly redirect_uri?: string | undefined
  readonly state?: string | undefined
}

/** A token endpoint request, read. */
export type TokenRequest =
  | AuthRequest
  | DeviceAuthRequest
  | CodeRequest
  | DeviceCodeRequest
  | RefreshRequest
  | ExchangeRequest
  | PollRequest

const longestPurpose = 1024
/**
 * Characters of `state`, encoded as in a link. It is stored with each request, so it is short: an app keeps its data in its own
 * session, and names that in `state`.
 */
const longestState = 512

/**
 * Reads the parameters of a token endpoint request; unknown ones are ignored.
 * @param supported the request types this auth server answers
 * @throws AAuthError `invalid_request`, `unsupported_request_type`
 * @see protocol §6.2
 */
export function parseTokenRequest(form: ReadonlyMap<string, string>, supported: readonly string[]): TokenRequest {
  const requestType = form.get('request_type')
  if (requestType === undefined) throw refusal('request_type_missing')
  switch (supported.includes(requestType) ? requestType : undefined) {
    case 'auth':
      return { request_type: 'auth', ...parseAccess(form), ...wayBack(form), answer: answerIn(form) }
    case 'device_auth':
      return { request_type: 'device_auth', ...parseAccess(form) }
    case 'code':
      return {
        request_type: 'code',
        code: required(form, 'code'),
        redirect_uri: required(form, 'redirect_uri'),
        request_token: required(form, 'request_token'),
      }
    case 'exchange':
      return {
        request_type: 'exchange',
        resource_token: required(form, 'resource_token'),
        upstream_token: required(form, 'upstream_token'),
        purpose: purposeOf(form),
        purposes: purposesOf(form),
        ...wayBack(form),
      }
    case 'poll':
      return { request_type: 'poll', request_token: required(form, 'request_token') }
    case 'device_code':
      return { request_type: 'device_code', device_code: required(form, 'device_code') }
    case 'refresh':
      return {
        request_type: 'refresh',
        refresh_token: required(form, 'refresh_token'),
        scope: form.get('scope'),
      }
    default:
      throw refusal('request_type_unsupported')
  }
}

/**
 * Reads the parameter of a revocation request.
 * @throws AAuthError `invalid_request`
 * @see protocol §6.2
 */
export function parseRevocation(form: ReadonlyMap<string, string>): string {
  return required(form, 'token')
}

function parseAccess(form: ReadonlyMap<string, string>): AccessRequest {
  const resource_token = form.get('resource_token')
  const scope = form.get('scope')
  const auth_request_url = form.get('auth_request_url')
  // With both, a `scope` parameter could widen the scope of the resource token.
  if ([resource_token, scope, auth_request_url].filter(value => value !== undefined).length !== 1) {
    throw refusal('parameters_conflicting', { about: 'resource_token, scope, auth_request_url' })
  }
  const more = { purpose: purposeOf(form), purposes: purposesOf(form), login_hint: loginHintOf(form) }
  if (resource_token !== undefined) return { resource_token, ...more }
  if (scope !== undefined) return { scope, ...more }
  throw refusal('parameter_unsupported', { about: 'auth_request_url' })
}

function purposeOf(form: ReadonlyMap<string, string>): string | undefined {
  const purpose = form.get('purpose')
  if (purpose === undefined || purpose.length <= longestPurpose) return purpose
  throw refusal('parameter_too_long', { about: 'purpose, 1024 characters' })
}

function purposesOf(form: ReadonlyMap<string, string>): readonly string[] | undefined {
  const purposes = form.get('purposes')
  return purposes === undefined ? undefined : parsePurposes(purposes)
}

/** Where the answer goes. `redirect_uri` needs no length limit here: it must be listed in the agent's metadata. */
function wayBack(form: ReadonlyMap<string, string>): Pick<AuthRequest, 'redirect_uri' | 'state'> {
  const state = form.get('state')
  if (encodedLength(state) > longestState) {
    throw refusal('parameter_too_long', { about: 'state, 512 characters when it is encoded' })
  }
  return { redirect_uri: form.get('redirect_uri'), state }
}

/** An agent that waits for an answer in another way than it gets must hear so. */
function answerIn(form: ReadonlyMap<string, string>): 'inbox' | undefined {
  const answer = form.get('answer')
  if (answer === undefined || answer === 'inbox') return answer
  throw refusal('parameter_unsupported', { about: 'answer must be inbox' })
}

function encodedLength(value = ''): number {
  return new URLSearchParams([['', value]]).toString().length - 1
}

function loginHintOf(form: ReadonlyMap<string, string>): string | undefined {
  const login_hint = form.get('login_hint')
  if (login_hint === undefined || isSafeId(login_hint)) return login_hint
  throw refusal('parameter_malformed', { about: 'login_hint must be at most 512 bytes without control characters' })
}

function required(form: ReadonlyMap<string, string>, name: string): string {
  const value = form.get(name)
  if (value === undefined) throw refusal('parameter_missing', { about: name })
  return value
}
