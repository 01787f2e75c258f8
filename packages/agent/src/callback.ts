import { AgentError } from './error.js'

/** What an auth server must have written into a callback. */
export interface ExpectedCallback {
  readonly issuer: string
}

/**
 * The `state` of a callback, which tells what it answers.
 * @throws AgentError `invalid_callback`
 */
export function callbackState(url: URL): string {
  const state = once(url, 'state')
  if (state === undefined) throw invalidCallback('state')
  return state
}

/**
 * The code of a callback whose `state` was of this session.
 * @throws AgentError `invalid_callback`; `denied` where the user said no
 * @see protocol §6.4 (2), RFC 9207
 */
export function callbackCode(url: URL, { issuer }: ExpectedCallback): string {
  // Mix-up: a code of one auth server must never be taken to another.
  if (once(url, 'iss') !== issuer) throw invalidCallback('iss')
  const [code, error] = [once(url, 'code'), once(url, 'error')]
  if (error !== undefined && !url.searchParams.has('code')) throw deniedBy(error)
  if (code === undefined || url.searchParams.has('error')) throw invalidCallback('code')
  return code
}

/** The callback is not the answer to what this session began, and nothing was redeemed. */
export function invalidCallback(member: string): AgentError {
  return new AgentError('invalid_callback', 'the callback does not answer what this session began', { member })
}

function deniedBy(error: string): AgentError {
  const said = error === 'access_denied' ? 'the user said no' : 'the auth server ended the request without a code'
  // Anyone can write a link to the callback: only what is an error code goes further.
  return new AgentError('denied', said, /^[a-z_]{1,64}$/.test(error) ? { error } : {})
}

/** A parameter that is there exactly once and not empty. */
function once(url: URL, name: string): string | undefined {
  const [value, ...others] = url.searchParams.getAll(name)
  return value === undefined || value === '' || others.length > 0 ? undefined : value
}
