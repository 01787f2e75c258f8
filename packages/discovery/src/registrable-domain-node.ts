import { getDomain } from 'tldts'

/**
 * The registrable domain of a host by the ICANN part of the Public Suffix List; null for IP addresses, localhost, single labels
 * and public suffixes. Private suffixes such as `github.io` are not used: a name under them costs as little as a subdomain.
 */
export function registrableDomain(host: string): string | null {
  return getDomain(host, { allowPrivateDomains: false })
}
