import { setTimeout as sleep } from 'node:timers/promises'
import type { Discovery } from '@countersign/discovery'
import {
  type AgentMetadata,
  identityScopes,
  missingScope,
  parseScope,
  type ResourceMetadata,
} from '@countersign/protocol'
import { upstreamOf } from '../exchange/upstream-token.js'
import { resourceScopes } from '../grant/identity-claims.js'
import { chainOf } from '../mandate/chain.js'
import type { ClaimedLogos } from '../pages/claimed-logo.js'
import type { ConsentScope, ConsentView } from '../pages/consent-view.js'
import type { RequestRow } from '../tables.js'

/** Milliseconds that a page waits for metadata of agent and resource. */
const patience = 1500

/** What a view needs beside the request. */
export type ConsentFrame = Pick<ConsentView, 'csrf' | 'action' | 'hidden' | 'returnTo' | 'user' | 'way'> & {
  /** Scopes that the user has allowed before. */
  readonly held: readonly string[]
}

/**
 * The facts of a consent page. The agent's identifier is verified; the page marks its name and logo as claimed. Scopes are
 * described by the resource's own metadata. Documents that do not arrive in time are left out.
 * @see protocol §6.3
 */
export async function consentView(
  row: RequestRow,
  { held, ...frame }: ConsentFrame,
  o: { readonly discovery: Discovery; readonly logos: ClaimedLogos; readonly issuer: { readonly issuer: string } },
): Promise<ConsentView> {
  const { discovery, logos, issuer } = o
  const upstream = upstreamOf(row)
  const limited = discovery.limited()
  const asked = parseScope(row.scope)
  const own = resourceScopes(asked)
  // An exchange is allowed as a whole or not at all.
  const inside = (scope: ConsentScope): ConsentScope => (upstream === undefined ? scope : { ...scope, optional: false })
  const [agent, resource] = await Promise.all([
    inTime(limited.agent(row.agent)),
    own.length === 0 ? undefined : inTime(limited.resource(row.resource)),
  ])
  const logo = await logos.find(agent?.logo_uri)
  return {
    ...frame,
    agent: { id: row.agent, ...claimedBy(agent), logo },
    delegate: row.agent_delegate === '' ? undefined : row.agent_delegate,
    resource: row.resource,
    scopes: own.map(name => describe(name, { resource, held })).map(inside),
    // Each token that a user allows holds their `sub`, so the page must not offer to leave `openid` out.
    identity: missingScope(own, asked)
      .filter(name => identityScopes.includes(name))
      .map(name => holding(name, held))
      .map(scope => (scope.name === 'openid' ? { ...scope, optional: false } : scope))
      .map(inside),
    exchange: upstream && { issuer: issuer.issuer, chain: chainOf(upstream.act) },
    purpose: row.purpose ?? undefined,
  }
}

/** A stranger's host that hangs must not hold the page. A late answer is cached for the next page. */
async function inTime<T>(work: Promise<T>): Promise<T | undefined> {
  const done = new AbortController()
  const late = sleep(patience, undefined, { signal: done.signal, ref: false }).catch(() => undefined)
  try {
    return await Promise.race([work.catch(() => undefined), late])
  } finally {
    done.abort()
  }
}

function claimedBy(agent: AgentMetadata | undefined): Omit<ConsentView['agent'], 'id'> {
  if (agent === undefined) return {}
  const { name, homepage, policy_uri, tos_uri } = agent
  return { name, homepage, policy_uri, tos_uri }
}

/** The resource's description is left out where its metadata does not list the scope. */
function describe(
  name: string,
  { resource, held }: { readonly resource: ResourceMetadata | undefined; readonly held: readonly string[] },
): ConsentScope {
  const { supported_scopes, scope_descriptions = {} } = resource ?? {}
  const isListed = supported_scopes === undefined || supported_scopes.includes(name)
  const description = isListed && Object.hasOwn(scope_descriptions, name) ? scope_descriptions[name] : undefined
  return { ...holding(name, held), known: isListed ? undefined : false, description }
}

function holding(name: string, held: readonly string[]): ConsentScope {
  return held.includes(name) ? { name, held: true, optional: false } : { name }
}
