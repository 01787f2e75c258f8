import { refusal } from '../error.js'
import { headerValues, type ReceivedMessage } from './received-message.js'
import { pathOf } from './target-parts.js'

// Without lower case: Fetch and routers turn `get` into GET, so that another method would run than was signed (COV-47).
const methodToken = /^[!#$%&'*+.^_`|~0-9A-Z-]+$/
// Printable ASCII without `#` and `\`; every `%` begins an escape.
const originForm = /^\/(?:[\x21\x22\x24\x26-\x5b\x5d-\x7e]|%[0-9A-Fa-f]{2})*$/
const dotSegment = /\/(?:\.|%2e){1,2}(?:\/|$)/i

/**
 * Refuses a request whose target or host two readers could read differently. Call it before anything else reads the target.
 * @throws HttpSigError 400 `invalid_request`: absolute form, `OPTIONS *`, `//`, dot segments (also `%2e`), `\`, `#`, controls, non-ASCII, bad `%` escapes, two `Host` lines, a method that is not a token or has a lower-case letter
 * @see protocol §3.3
 */
export function checkTarget(message: ReceivedMessage): void {
  const { target } = message
  if (!methodToken.test(message.method)) throw refusal('method_malformed')
  if (!originForm.test(target))
    throw refusal('target_malformed', { about: 'it must be a path in ASCII with whole % escapes' })
  // `//evil.example/x` resolves to another host when a target is joined to a base URL.
  if (target.startsWith('//')) throw refusal('target_malformed', { about: 'two slashes at its start' })
  // The router or the upstream may resolve the segments that the signature has literally.
  if (dotSegment.test(pathOf(target))) throw refusal('target_malformed', { about: 'dot segments' })
  if (headerValues(message, 'host').length > 1) throw refusal('authority_ambiguous')
}
