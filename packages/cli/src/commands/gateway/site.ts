import { getDomain } from 'tldts'

/**
 * The registrable domain of a host, by the Public Suffix List of this version. Private suffixes such as github.io count, too: their
 * tenants are different parties. Null for IP addresses, localhost and public suffixes.
 */
export function siteOf(host: string): string | null {
  return getDomain(host, { allowPrivateDomains: true })
}
