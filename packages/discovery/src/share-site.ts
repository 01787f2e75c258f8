import { registrableDomain } from '#registrable-domain'

/** Returns the registrable domain of a host, such as `acme.example` for `agent.acme.example`; null or undefined: it has none. */
export type SiteOf = (host: string) => string | null | undefined

/**
 * The site that an identifier counts for where strangers share something bounded. Subdomains cost nothing, registrable domains do.
 * A host without one (an IP address, `localhost`, a single label, a public suffix) is its own site, whatever its port.
 * @param identifier an origin, such as `https://agent.acme.example`
 * @param siteOf default: the ICANN part of the Public Suffix List on Node, the last two labels elsewhere
 * @see protocol §10
 */
export function shareSite(identifier: string, siteOf: SiteOf = registrableDomain): string {
  const { hostname } = new URL(identifier)
  return siteOf(hostname) ?? hostname
}
