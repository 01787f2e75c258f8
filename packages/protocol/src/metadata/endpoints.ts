import type { AgentMetadata, AuthServerMetadata, ResourceMetadata } from './metadata.js'
import {
  documentOf,
  endpoint,
  endpointNames,
  type MetadataOptions,
  membersOf,
  type Read,
  webUrl,
} from './read-members.js'

/** Reads the metadata of one participant. */
type Parse<T> = (json: unknown, id: string, o?: MetadataOptions) => T

// What an agent needs of a document: where it is to send, and which keys to believe. In a page, the rest has no reader.
const members: Readonly<Record<string, Read<string>>> = {
  jwks_uri: webUrl,
  ...Object.fromEntries(endpointNames.map(name => [name, endpoint])),
}

function parser<T>(names: readonly string[], needed: readonly string[]): Parse<T> {
  return (json, id, o) => {
    const read = membersOf(documentOf(json, { id, names, ...o }), members, needed)
    return { ...Object.fromEntries(names.map(name => [name, id])), ...read } as T
  }
}

/** Reads documents as `parseAgentMetadata` and its siblings do, and of their members only keys and endpoints. */
export const parseEndpoints: {
  readonly agent: Parse<AgentMetadata>
  readonly resource: Parse<ResourceMetadata>
  readonly authServer: Parse<AuthServerMetadata>
} = {
  agent: parser(['issuer', 'agent'], ['jwks_uri']),
  resource: parser(['issuer', 'resource'], ['jwks_uri']),
  authServer: parser(['issuer'], ['jwks_uri', 'agent_token_endpoint']),
}
