import { AAuthError } from '@countersign/protocol'

/** `request_type=auth` for another resource: its resource token says which, and for what scope. */
export interface ResourceTokenRequest {
  readonly request_type: 'auth'
  readonly resource_token: string
  readonly purpose?: string
}

/** `request_type=auth` for the agent itself: the direct form. */
export interface DirectRequest {
  readonly request_type: 'auth'
  readonly scope: string
  readonly purpose?: string
}

/** `request_type=refresh`. */
export interface RefreshRequest {
  readonly request_type: 'refresh'
  readonly refresh_token: string
  /** A narrower scope than the grant's. */
  readonly scope?: string
}

/** A token endpoint request, read. */
export type TokenRequest = ResourceTokenRequest | DirectRequest | RefreshRequest

const longestPurpose = 1024

/**
 * Reads the parameters of a token endpoint request; unknown ones are ignored.
 * @throws AAuthError `invalid_request`, `unsupported_request_type`
 * @see protocol §6.2
 */
export function parseTokenRequest(form: ReadonlyMap<string, string>): TokenRequest {
  const requestType = form.get('request_type')
  switch (requestType) {
    case undefined:
      throw new AAuthError('invalid_request', 'request_type is missing')
    case 'auth':
      return parseAuthRequest(form)
    case 'refresh':
      return parseRefreshRequest(form)
    default:
      throw new AAuthError('unsupported_request_type', 'request_type must be one of request_types_supported')
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

function parseAuthRequest(form: ReadonlyMap<string, string>): ResourceTokenRequest | DirectRequest {
  const resource_token = form.get('resource_token')
  const scope = form.get('scope')
  const auth_request_url = form.get('auth_request_url')
  // Were two of them read, a scope parameter could widen what the resource put into its token.
  if ([resource_token, scope, auth_request_url].filter(value => value !== undefined).length !== 1) {
    throw new AAuthError('invalid_request', 'give exactly one of resource_token, scope and auth_request_url')
  }
  const purpose = purposeOf(form)
  if (resource_token !== undefined) return { request_type: 'auth', resource_token, ...purpose }
  if (scope !== undefined) return { request_type: 'auth', scope, ...purpose }
  throw new AAuthError('invalid_request', 'auth_request_url is not supported by this auth server')
}

function parseRefreshRequest(form: ReadonlyMap<string, string>): RefreshRequest {
  const refresh_token = required(form, 'refresh_token')
  const scope = form.get('scope')
  return { request_type: 'refresh', refresh_token, ...(scope === undefined ? {} : { scope }) }
}

function purposeOf(form: ReadonlyMap<string, string>): { purpose?: string } {
  const purpose = form.get('purpose')
  if (purpose === undefined) return {}
  if (purpose.length > longestPurpose) throw new AAuthError('invalid_request', 'purpose is longer than 1024 characters')
  return { purpose }
}

function required(form: ReadonlyMap<string, string>, name: string): string {
  const value = form.get(name)
  if (value === undefined) throw new AAuthError('invalid_request', `${name} is missing`)
  return value
}
