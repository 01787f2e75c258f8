import { refusal } from '../error.js'
import type { AgentMetadata } from './metadata.js'

const longest = 2048
/** Without `localhost`, which may resolve to another address. */
const loopback = /^http:\/\/(?:127\.0\.0\.1|\[::1\]):\d{1,5}\/[\x21-\x7e]*$/
const answers = ['code', 'interaction', 'error', 'state', 'iss']

/**
 * Checks a redirect URI: it must be exactly one in the agent's metadata, or a loopback URL if the metadata allows those.
 * @throws AAuthError `invalid_request`
 * @see protocol §6.3, and §7 for a `return_url`
 */
export function checkRedirectUri(uri: string, agent: AgentMetadata): void {
  // Compared as strings: parsers differ on which URLs are the same.
  const isListed = uri.length <= longest && (agent.redirect_uris?.includes(uri) ?? false)
  if (!isListed && !(agent.localhost_callback_allowed === true && isLoopbackUrl(uri))) {
    throw refusal('redirect_uri_unregistered')
  }
  // Its query must not contain parameters of the answer.
  const { searchParams } = new URL(uri)
  if (answers.some(name => searchParams.has(name))) {
    throw refusal('redirect_uri_invalid')
  }
}

/** The URL that takes the answer to the agent. */
export function answerUrl(uri: string, answer: Readonly<Record<string, string | null>>): string {
  const query = new URLSearchParams()
  for (const [name, value] of Object.entries(answer)) if (value !== null) query.append(name, value)
  return `${uri}${uri.includes('?') ? '&' : '?'}${query}`
}

function isLoopbackUrl(uri: string): boolean {
  if (uri.length > longest || uri.includes('#') || uri.includes('\\') || !loopback.test(uri)) return false
  return URL.canParse(uri) && new URL(uri).href === uri
}
