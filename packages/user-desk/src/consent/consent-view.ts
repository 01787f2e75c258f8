import type { Policy } from '@countersign/auth-server'
import type { StoredRequest } from '@countersign/auth-server/internal'
import { chainOf, purposesIn, resourceScopes, upstreamOf } from '@countersign/auth-server/internal'
import type { Conditions } from '@countersign/conditions'
import type { Discovery } from '@countersign/discovery'
import {
  type AgentMetadata,
  identityScopes,
  missingScope,
  parseScope,
  type ResourceMetadata,
} from '@countersign/protocol'
import type { ClaimedLogos } from '../pages/claimed-logo.js'
import type { ConsentScope, ConsentView } from '../pages/consent-view.js'
import { valueInTime } from '../pages/in-time.js'
import type { ConsentDefaults } from '../pages/limits-view.js'
import { wordsOf } from '../pages/shown-words.js'
import { limitsOf } from './limits.js'

/** What a view needs beside the request. */
export type ConsentFrame = Pick<ConsentView, 'csrf' | 'action' | 'hidden' | 'returnTo' | 'user' | 'way'> & {
  /** Scopes that the user has allowed before. */
  readonly held: readonly string[]
  /** Under which conditions. Default: none. */
  readonly before?: Conditions | undefined
  /** The words of that time, by scope. */
  readonly agreed?: Readonly<Record<string, string>> | undefined
}

/**
 * The facts of a consent page. The agent's identifier is verified; the page marks its name and logo as claimed. Scopes are
 * described by the resource's own metadata. Documents that do not arrive in time are left out.
 * @see protocol §6.3
 */
export async function consentView(
  row: StoredRequest,
  { held, before = [], agreed = {}, ...frame }: ConsentFrame,
  o: {
    readonly discovery: Discovery
    readonly logos: ClaimedLogos
    readonly issuer: { readonly issuer: string }
    readonly policy: Policy
    readonly defaults: ConsentDefaults
  },
): Promise<ConsentView> {
  const { discovery, logos, issuer } = o
  const upstream = upstreamOf(row)
  const limited = discovery.limited()
  const asked = parseScope(row.scope)
  const own = resourceScopes(asked)
  // An exchange is allowed as a whole or not at all.
  const inside = (scope: ConsentScope): ConsentScope => (upstream === undefined ? scope : { ...scope, optional: false })
  const [agent, resource] = await Promise.all([
    valueInTime(limited.agent(row.agent)),
    own.length === 0 ? undefined : valueInTime(limited.resource(row.resource)),
  ])
  const [logo, limits] = await Promise.all([
    logos.find(agent?.logo_uri),
    limitsOf({ row, user: frame.user.sub, metadata: resource, before }, o),
  ])
  return {
    ...frame,
    agent: { id: row.agent, ...claimedBy(agent), logo },
    delegate: row.agent_delegate === '' ? undefined : row.agent_delegate,
    resource: row.resource,
    scopes: own.map(name => withAgreed(describe(name, { resource, held }), agreed)).map(inside),
    // Each token that a user allows holds their `sub`, so the page must not offer to leave `openid` out.
    identity: missingScope(own, asked)
      .filter(name => identityScopes.includes(name))
      .map(name => holding(name, held))
      .map(scope => (scope.name === 'openid' ? { ...scope, optional: false } : scope))
      .map(inside),
    exchange: upstream && { issuer: issuer.issuer, chain: chainOf(upstream.act) },
    purpose: row.purpose ?? undefined,
    purposes: purposesIn(row.purposes)?.map(name => ownWord(resource?.purposes, name) ?? name),
    limits,
  }
}

function claimedBy(agent: AgentMetadata | undefined): Omit<ConsentView['agent'], 'id'> {
  if (agent === undefined) return {}
  const { name, homepage, policy_uri, tos_uri } = agent
  return { name, homepage, policy_uri, tos_uri }
}

function ownWord(words: Readonly<Record<string, string>> = {}, name: string): string | undefined {
  return Object.hasOwn(words, name) ? words[name] : undefined
}

/** The resource's description is left out where its metadata does not list the scope. */
function describe(
  name: string,
  { resource, held }: { readonly resource: ResourceMetadata | undefined; readonly held: readonly string[] },
): ConsentScope {
  const { supported_scopes, scope_descriptions = {}, grave_scopes = [] } = resource ?? {}
  const isListed = supported_scopes === undefined || supported_scopes.includes(name)
  const description = isListed && Object.hasOwn(scope_descriptions, name) ? scope_descriptions[name] : undefined
  const grave = resource === undefined ? 'unknown' : grave_scopes.includes(name) || undefined
  return { ...holding(name, held), known: isListed ? undefined : false, description, grave }
}

/** The words that the user agreed to before, where the page shows others now. */
function withAgreed(scope: ConsentScope, agreed: Readonly<Record<string, string>>): ConsentScope {
  const words = Object.hasOwn(agreed, scope.name) ? agreed[scope.name] : undefined
  return words === wordsOf(scope) ? scope : { ...scope, agreed: words }
}

function holding(name: string, held: readonly string[]): ConsentScope {
  return held.includes(name) ? { name, held: true, optional: false } : { name }
}
