import { boundedMap } from '@countersign/protocol/internal'
import { registrableDomain } from '#registrable-domain'

/** Returns the registrable domain of a host, such as `acme.example` for `agent.acme.example`; null or undefined: it has none. */
export type SiteOf = (host: string) => string | null | undefined

/** Sites of the identifiers seen last: to parse a URL and look its suffix up takes 8 µs, and each request is counted for a site. */
// bound: 1024 identifiers of at most 300 characters; bytes: 1024 × 600; grown by a stranger; shared: by use; one that
// is pushed out is looked up again; filled by share-site.test.ts "the site of an identifier is the same however many
// were asked for"
const known = boundedMap<string, string>(1024)
/** Most characters of an identifier whose site is kept; host names end at 253. */
const longest = 300

/**
 * The site that an identifier counts for where strangers share something bounded. Subdomains cost nothing, registrable domains do.
 * A host without one (an IP address, `localhost`, a single label, a public suffix) is its own site, whatever its port.
 * @param identifier an origin, such as `https://agent.acme.example`
 * @param siteOf default: the ICANN part of the Public Suffix List on Node, the last two labels elsewhere
 * @see protocol §10
 */
export function shareSite(identifier: string, siteOf?: SiteOf): string {
  // A function of the caller may answer differently each time.
  if (siteOf !== undefined) return lookUpSite(identifier, siteOf)
  const kept = known.get(identifier)
  if (kept !== undefined) return kept
  const site = lookUpSite(identifier, registrableDomain)
  if (identifier.length <= longest) known.set(identifier, site)
  return site
}

function lookUpSite(identifier: string, siteOf: SiteOf): string {
  const { hostname } = new URL(identifier)
  return siteOf(hostname) ?? hostname
}
