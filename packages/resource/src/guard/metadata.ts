import type { ResourceMetadata } from '@countersign/protocol'

/** Where a resource publishes what it is. */
export const metadataPath = '/.well-known/aauth-resource'
/** Where an agent asks for a resource token before its first call. */
export const tokenPath = '/aauth/resource-token'
/** Where a resource that calls others says who it is as an agent. */
export const agentMetadataPath = '/.well-known/aauth-agent'
/** Where a caller sends its user, who must be asked somewhere else. */
export const interactPath = '/aauth/interact'
/** Where that user's browser comes back to. */
export const callbackPath = '/aauth/callback'

const others: readonly string[] = [metadataPath, tokenPath, agentMetadataPath, interactPath, callbackPath]

/**
 * Where a resource publishes its keys.
 * @throws TypeError for what is no path in its plain spelling, and for one that something else of a resource is at
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
  readonly scopes: Readonly<Record<string, string>>
  /** Components any of the routes demands. */
  readonly components: readonly string[]
}

/** The metadata document of a resource. @see protocol §6 */
export function metadataOf(publication: Publication): ResourceMetadata {
  const { id, jwksUri, authServers, scopes, components } = publication
  return {
    issuer: id,
    resource: id,
    jwks_uri: jwksUri,
    ...(authServers.length === 0 ? {} : { resource_token_endpoint: `${id}${tokenPath}`, auth_servers: authServers }),
    supported_scopes: Object.keys(scopes),
    scope_descriptions: scopes,
    ...(components.length === 0 ? {} : { additional_signature_components: components }),
  }
}
