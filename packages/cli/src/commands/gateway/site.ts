import { getDomain } from 'tldts'

/**
 * The registrable domain of a host, by the Public Suffix List that came with this version. Suffixes that companies have put on
 * it, such as github.io, count: who has one tenant's name there does not have another's. Null for IP addresses, localhost and
 * whatever is a suffix itself.
 */
export function siteOf(host: string): string | null {
  return getDomain(host, { allowPrivateDomains: true })
}
