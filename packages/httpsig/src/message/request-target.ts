import { HttpSigError } from '../error.js'
import { headerValues, type ReceivedMessage } from './received-message.js'
import { pathOf } from './target-parts.js'

// Without lower case: Fetch and routers turn `get` into GET, so that another method would run than the one that was signed (COV-47).
const methodToken = /^[!#$%&'*+.^_`|~0-9A-Z-]+$/
// Printable ASCII without `#` and `\`; every `%` begins an escape.
const originForm = /^\/(?:[\x21\x22\x24\x26-\x5b\x5d-\x7e]|%[0-9A-Fa-f]{2})*$/
const dotSegment = /\/(?:\.|%2e){1,2}(?:\/|$)/i

function refuse(description: string): HttpSigError {
  return new HttpSigError('invalid_request', description)
}

/**
 * Refuses a request whose target or host two readers could read differently, before anything else is made of it.
 * @throws HttpSigError 400 `invalid_request`: absolute form, `OPTIONS *`, `//`, dot segments (also `%2e`), `\`, `#`, controls, non-ASCII, bad `%` escapes, two `Host` lines, a method that is not a token or has a lower-case letter
 * @see docs/protocol.md §3.3
 */
export function checkTarget(message: ReceivedMessage): void {
  const { target } = message
  if (!methodToken.test(message.method)) throw refuse('the method must be a token without lower-case letters')
  if (!originForm.test(target))
    throw refuse('the request target must be a path in origin form, in ASCII, with whole % escapes')
  // `//evil.example/x` resolves to another host wherever a target is joined to a base URL.
  if (target.startsWith('//')) throw refuse('the request target must not start with two slashes')
  // The router and the upstream might resolve what the signature names literally.
  if (dotSegment.test(pathOf(target))) throw refuse('the request target must not have dot segments')
  if (headerValues(message, 'host').length > 1) throw refuse('the request has more than one Host line')
}
