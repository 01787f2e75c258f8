import { AAuthError } from '../error.js'
import type { AgentMetadata } from './metadata.js'

const longest = 2048
/** `localhost` is not among them: what it resolves to is not ours to know. */
const loopback = /^http:\/\/(?:127\.0\.0\.1|\[::1\]):\d{1,5}\/[\x21-\x7e]*$/
const answers = ['code', 'interaction', 'error', 'state', 'iss']

/**
 * Checks where a browser would be sent: exactly a string of the agent's metadata, or a loopback URL where it allows those.
 * @throws AAuthError `invalid_request`
 * @see protocol.md §6.3, and §7 for a `return_url`
 */
export function checkRedirectUri(uri: string, agent: AgentMetadata): void {
  // Compared as strings: two parsers never agree on what is the same URL.
  const isListed = uri.length <= longest && (agent.redirect_uris?.includes(uri) ?? false)
  if (!isListed && !(agent.localhost_callback_allowed === true && isLoopbackUrl(uri))) {
    throw new AAuthError('invalid_request', "redirect_uri is not one of the agent's redirect_uris")
  }
  // A query of its own must not look like our answer.
  const { searchParams } = new URL(uri)
  if (answers.some(name => searchParams.has(name))) {
    throw new AAuthError('invalid_request', 'redirect_uri has a parameter of the answer in its query')
  }
}

/** Where the browser goes with the answer to a request. */
export function answerUrl(uri: string, answer: Readonly<Record<string, string | null>>): string {
  const query = new URLSearchParams()
  for (const [name, value] of Object.entries(answer)) if (value !== null) query.append(name, value)
  return `${uri}${uri.includes('?') ? '&' : '?'}${query}`
}

function isLoopbackUrl(uri: string): boolean {
  if (uri.length > longest || uri.includes('#') || uri.includes('\\') || !loopback.test(uri)) return false
  return URL.canParse(uri) && new URL(uri).href === uri
}
