import { refusal } from '../error.js'
import { headerValues, type ReceivedMessage } from './received-message.js'

const defaultPort = { https: ':443', http: ':80' } as const

function withoutDefaultPort(host: string, scheme: 'https' | 'http'): string {
  return host.endsWith(defaultPort[scheme]) ? host.slice(0, -defaultPort[scheme].length) : host
}

/**
 * The authority that a signature must name: the configured one. When several are configured, it is the one that `Host` (or
 * `:authority`) names, in lower case and without default port. `Forwarded` and `X-Forwarded-*` are never read.
 * @param authorities lower case, no default port; at least one
 * @param scheme decides which port is the default one
 * @throws HttpSigError 421 `invalid_request` when several are configured and `Host` names none of them
 * @throws TypeError when none is configured
 * @see protocol §3.4
 */
export function chooseAuthority(
  message: ReceivedMessage,
  authorities: readonly string[],
  scheme: 'https' | 'http' = 'https',
): string {
  const [first] = authorities
  if (first === undefined) throw new TypeError('authorities must name at least one authority')
  if (authorities.length === 1) return first // sig.authority.configured
  const hosts = headerValues(message, 'host')
  const host = hosts.length === 1 ? withoutDefaultPort(hosts[0]?.trim().toLowerCase() ?? '', scheme) : undefined
  const chosen = authorities.find(authority => authority === host)
  if (chosen === undefined) throw refusal('authority_not_served')
  return chosen
}
