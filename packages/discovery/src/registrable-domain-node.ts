import { getDomain } from 'tldts'

/**
 * The registrable domain of a host by the ICANN part of the Public Suffix List; null for IP addresses, localhost, single labels
 * and public suffixes. Private suffixes such as `github.io` do not count: their tenants are as cheap as subdomains.
 */
export function registrableDomain(host: string): string | null {
  return getDomain(host, { allowPrivateDomains: false })
}
