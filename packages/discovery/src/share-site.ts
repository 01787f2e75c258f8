import { registrableDomain } from '#registrable-domain'

/** The registrable domain of a host, such as `acme.example` of `agent.acme.example`; null or nothing where a host has none. */
export type SiteOf = (host: string) => string | null | undefined

/**
 * The site whose share of a bounded thing an identifier takes: a subdomain costs nothing, a registrable domain does.
 * A host without one (an IP address, `localhost`, a single label, a public suffix) is a site of its own, whatever its port.
 * @param identifier an origin, such as `https://agent.acme.example`
 * @param siteOf default: the ICANN part of the Public Suffix List on Node, the last two labels elsewhere
 * @see protocol §10
 */
export function shareSite(identifier: string, siteOf: SiteOf = registrableDomain): string {
  const { hostname } = new URL(identifier)
  return siteOf(hostname) ?? hostname
}
