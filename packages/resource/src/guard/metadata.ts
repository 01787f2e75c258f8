import { type ConditionType, conditionTypes } from '@countersign/conditions'
import type { ResourceMetadata } from '@countersign/protocol'
import type { ResourceWords } from '../approval/words.js'
import type { DescribedScope } from './described-scope.js'

/** Where a resource publishes what it is. */
export const metadataPath = '/.well-known/aauth-resource'
/** Where an agent asks for a resource token before its first call. */
export const tokenPath = '/aauth/resource-token'
/** Where its auth servers say which grants have ended. Not that of an auth server at the same origin. */
export const revocationPath = '/aauth/revoked-grants'
/** Where a resource that calls others says who it is as an agent. */
export const agentMetadataPath = '/.well-known/aauth-agent'
/** Where a caller sends its user, who must be asked somewhere else. */
export const interactPath = '/aauth/interact'
/** Where that user's browser comes back to. */
export const callbackPath = '/aauth/callback'

const others: readonly string[] = [
  metadataPath,
  tokenPath,
  revocationPath,
  agentMetadataPath,
  interactPath,
  callbackPath,
]

/**
 * Where a resource publishes its keys.
 * @throws TypeError for a text that is not a plain path, and for a path that the resource uses for something else
 */
export function jwksPathOf(path = '/.well-known/jwks.json'): string {
  if (!/^(?:\/[A-Za-z0-9_~-][A-Za-z0-9_.~-]*|\/\.well-known)+$/.test(path))
    throw new TypeError('jwksPath must be a plain path such as /aauth/jwks.json')
  if (others.includes(path)) throw new TypeError('jwksPath is the path of something else')
  return path
}

/** What a resource's metadata is made of. */
export interface Publication {
  readonly id: string
  /** Where its keys are. */
  readonly jwksUri: string
  readonly authServers: readonly string[]
  /** Scope → what it lets an agent do, in words for users. */
  readonly scopes: Readonly<Record<string, string | DescribedScope>>
  /** Whether its auth servers can revoke grants here. */
  readonly isRevocable: boolean
  /** Components any of the routes demands. */
  readonly components: readonly string[]
  /** Kinds of conditions that one of the routes can only refuse. */
  readonly unkept: readonly ConditionType[]
  readonly words: ResourceWords
}

/** The metadata document of a resource. @see protocol §6 */
export function metadataOf(publication: Publication): ResourceMetadata {
  const { id, jwksUri, authServers, isRevocable, components, unkept, words } = publication
  const scopes = Object.entries(publication.scopes).map(([name, words]) => ({
    name,
    ...(typeof words === 'string' ? { description: words } : words),
  }))
  const grave = scopes.filter(scope => scope.grave === true).map(({ name }) => name)
  return {
    issuer: id,
    resource: id,
    jwks_uri: jwksUri,
    ...(authServers.length === 0 ? {} : { resource_token_endpoint: `${id}${tokenPath}`, auth_servers: authServers }),
    ...(isRevocable ? { revocation_endpoint: `${id}${revocationPath}` } : {}),
    supported_scopes: scopes.map(({ name }) => name),
    scope_descriptions: Object.fromEntries(scopes.map(({ name, description }) => [name, description])),
    ...(grave.length === 0 ? {} : { grave_scopes: grave }),
    ...(components.length === 0 ? {} : { additional_signature_components: components }),
    // Nobody must be given a condition that would close the routes it cannot be kept at.
    constraints_supported: conditionTypes.filter(type => !unkept.includes(type)),
    ...publishedWords(words),
  }
}

function publishedWords({ purposes, operations, dataViews }: ResourceWords): Partial<ResourceMetadata> {
  return {
    ...(purposes === undefined ? {} : { purposes }),
    ...(operations === undefined ? {} : { operations }),
    ...(dataViews === undefined ? {} : { data_views: dataViews }),
  }
}
