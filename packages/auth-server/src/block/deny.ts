import type { SiteOf } from '@countersign/discovery'
import { shareSite } from '@countersign/discovery/internal'
import { isIdentifier } from '@countersign/protocol'
import { checkIdentifierList } from '@countersign/protocol/internal'

/** Who gets nothing from an auth server: agents, delegates, sites and users, by its configuration. */
export interface DenyLists {
  /** Exact identifiers or `https://*.host`; also where one of them is in the chain of an exchange. */
  readonly agents?: readonly string[]
  /** Single delegates; also in the chain. */
  readonly delegates?: ReadonlyArray<{ readonly agent: string; readonly delegate: string }>
  /** Registrable domains, such as `acme.example`: all agents of such a site; also in the chain. */
  readonly sites?: readonly string[]
  /** Users of this auth server (`sub`). They are signed out, and cannot sign in. */
  readonly users?: readonly string[]
}

/**
 * Checks lists when they are configured.
 * @throws TypeError for an entry that would never match
 */
// unchecked options o: its one member allows more, so a slip of it allows less; called for each name
export function checkDeny(
  { agents = [], delegates = [], sites = [], users = [] }: DenyLists,
  o: { readonly development: boolean; readonly siteOf?: SiteOf | undefined },
): void {
  checkIdentifierList(agents, o)
  for (const one of delegates) checkDelegate(one, o)
  for (const site of sites) checkSite(site, o.siteOf)
  if (users.includes('')) throw new TypeError('users of deny are the sub of users, and none is empty')
}

/** @throws TypeError for a delegate that would never match */
// unchecked options o and {}: only the desk, the console and tests call it, and TypeScript checks them
export function checkDelegate(
  { agent, delegate }: { readonly agent: string; readonly delegate: string },
  o: { readonly development: boolean },
): void {
  if (!isIdentifier(agent, o) || delegate === '')
    throw new TypeError('a delegate is { agent, delegate }: an identifier, and the sub of its agent token')
}

/** @throws TypeError for a name that is no site: it would match no agent, or those of strangers, as `co.uk` would */
export function checkSite(site: string, siteOf?: SiteOf): void {
  // A public suffix is no site of the names below it.
  if (isHostName(site) && isIdentifier(`https://${site}`) && shareSite(`https://www.${site}`, siteOf) === site) return
  throw new TypeError(`${JSON.stringify(site)} is no site: give a registrable domain such as acme.example`)
}

/** Neither an IP address nor a single label, such as `localhost`: nobody has registered those. */
function isHostName(site: string): boolean {
  return site.includes('.') && !/^[\d.]+$/.test(site)
}
