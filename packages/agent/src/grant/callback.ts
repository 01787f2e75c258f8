import { AgentError } from '../error.js'

/**
 * The `state` of a callback, which tells what it answers.
 * @throws AgentError `invalid_callback`
 */
export function callbackState(url: URL): string {
  const state = singleParameter(url, 'state')
  if (state === undefined) throw invalidCallbackError('state')
  return state
}

/**
 * The code that an auth server wrote into a callback whose `state` was of this session.
 * @throws AgentError `invalid_callback`; `denied` where the user said no
 * @see protocol §6.4 (2), RFC 9207
 */
export function callbackCode(url: URL, issuer: string): string {
  // Mix-up: a code of one auth server must never be taken to another.
  if (singleParameter(url, 'iss') !== issuer) throw invalidCallbackError('iss')
  return callbackCodeNamed('code', url)
}

/**
 * The code in a callback: under the name `code` from an auth server, `interaction` from a resource.
 * @throws AgentError `invalid_callback`; `denied` where the user said no
 * @see protocol §7
 */
export function callbackCodeNamed(name: 'code' | 'interaction', url: URL): string {
  const [code, error] = [singleParameter(url, name), singleParameter(url, 'error')]
  if (error !== undefined && !url.searchParams.has(name)) throw deniedCallbackError(error)
  if (code === undefined || url.searchParams.has('error')) throw invalidCallbackError(name)
  return code
}

/** The callback is not the answer to what this session began, and nothing was redeemed. */
export function invalidCallbackError(member: string): AgentError {
  return new AgentError('invalid_callback', 'the callback does not answer what this session began', { member })
}

function deniedCallbackError(error: string): AgentError {
  const said = error === 'access_denied' ? 'the user said no' : 'the request ended without a code'
  // Anyone can write a link to the callback: only what is an error code goes further.
  return new AgentError('denied', said, /^[a-z_]{1,64}$/.test(error) ? { error } : {})
}

/** A parameter that is there exactly once and not empty. */
function singleParameter(url: URL, name: string): string | undefined {
  const [value, ...others] = url.searchParams.getAll(name)
  return value === undefined || value === '' || others.length > 0 ? undefined : value
}
