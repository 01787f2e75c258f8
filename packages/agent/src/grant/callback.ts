import { AgentError } from '../error.js'

/**
 * Returns the `state` of a callback, which names the request that the callback belongs to.
 * @throws AgentError `invalid_callback`
 */
export function callbackState(url: URL): string {
  const state = singleParameter(url, 'state')
  if (state === undefined) throw invalidCallbackError('state') // agent.checks.callback
  return state
}

/**
 * Returns the code of an auth server's callback. Its `state` must have been checked before.
 * @throws AgentError `invalid_callback`; `denied` when the user refused
 * @see protocol §6.4 (2), RFC 9207
 */
export function callbackCode(url: URL, issuer: string): string {
  // Mix-up attack: a code of one auth server must never go to another.
  if (singleParameter(url, 'iss') !== issuer) throw invalidCallbackError('iss') // agent.checks.callback
  return callbackCodeNamed('code', url)
}

/**
 * Returns the code in a callback: `code` from an auth server, `interaction` from a resource.
 * @throws AgentError `invalid_callback`; `denied` when the user refused
 * @see protocol §7
 */
export function callbackCodeNamed(name: 'code' | 'interaction', url: URL): string {
  const [code, error] = [singleParameter(url, name), singleParameter(url, 'error')]
  if (error !== undefined && !url.searchParams.has(name)) throw deniedCallbackError(error)
  if (code === undefined || url.searchParams.has('error')) throw invalidCallbackError(name) // agent.checks.callback
  return code
}

/** The error for a callback that belongs to no request of this session; nothing was redeemed. */
export function invalidCallbackError(member: string): AgentError {
  return new AgentError('invalid_callback', 'the callback does not answer what this session began', { member })
}

function deniedCallbackError(error: string): AgentError {
  const said = error === 'access_denied' ? 'the user said no' : 'the request ended without a code'
  // Anyone can make a link to the callback, so only a well-formed error code is passed on.
  return new AgentError('denied', said, /^[a-z_]{1,64}$/.test(error) ? { error } : {})
}

/** Returns a parameter that occurs exactly once and is not empty; else undefined. */
function singleParameter(url: URL, name: string): string | undefined {
  const [value, ...others] = url.searchParams.getAll(name)
  return value === undefined || value === '' || others.length > 0 ? undefined : value
}
