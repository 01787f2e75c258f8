import { isIdentifier } from '../term/identifier.js'
import { isWord } from '../term/name.js'
import { parseScope } from '../term/scope.js'
import { isObject } from '../token/jws.js'
import { documentOf, endpoint, type MetadataOptions, membersOf, type Read, webUrl } from './read-members.js'
import type { DataViewWords, OperationWords } from './words.js'

/** What an agent server publishes at `/.well-known/aauth-agent`. @see protocol §6 */
export interface AgentMetadata {
  readonly issuer: string
  readonly agent: string
  readonly jwks_uri: string
  readonly redirect_uris?: readonly string[]
  readonly localhost_callback_allowed?: boolean
  readonly delegate_token_endpoint?: string
  /** Claimed, not verified. */
  readonly name?: string
  readonly logo_uri?: string
  readonly policy_uri?: string
  readonly tos_uri?: string
  readonly homepage?: string
}

/** What a resource publishes at `/.well-known/aauth-resource`. @see protocol §6 */
export interface ResourceMetadata {
  readonly issuer: string
  readonly resource: string
  readonly jwks_uri: string
  readonly resource_token_endpoint?: string
  /** Where its auth servers tell which grants have ended. */
  readonly revocation_endpoint?: string
  readonly auth_servers?: readonly string[]
  readonly supported_scopes?: readonly string[]
  readonly scope_descriptions?: Readonly<Record<string, string>>
  /** Scopes that are far-reaching: users are warned. @see protocol §6.3 */
  readonly grave_scopes?: readonly string[]
  readonly additional_signature_components?: readonly string[]
  /** Kinds of conditions that every route enforces. @see protocol §9.1 */
  readonly constraints_supported?: readonly string[]
  /** What callers may say they use it for: descriptions by name. @see protocol §9.1 */
  readonly purposes?: Readonly<Record<string, string>>
  /** What requests do: descriptions by name. */
  readonly operations?: Readonly<Record<string, OperationWords>>
  /** Parts of its answers that a user may allow: by name. */
  readonly data_views?: Readonly<Record<string, DataViewWords>>
}

/** What an auth server publishes at `/.well-known/aauth-issuer`. @see protocol §6 */
export interface AuthServerMetadata {
  readonly issuer: string
  readonly jwks_uri: string
  readonly agent_token_endpoint: string
  readonly agent_auth_endpoint?: string
  readonly revocation_endpoint?: string
  readonly agent_signing_algs_supported?: readonly string[]
  readonly request_types_supported?: readonly string[]
  readonly scopes_supported?: readonly string[]
  /** Kinds of conditions that it keeps. @see protocol §9.1 */
  readonly constraints_supported?: readonly string[]
}

/**
 * Reads agent metadata. Unknown members are dropped.
 * @throws AAuthError `discovery_failed` when it is not that of `id`, or a member is wrong.
 */
// unchecked options o: its one member allows more, so a slip of it allows less; called for each name
export function parseAgentMetadata(json: unknown, id: string, o: MetadataOptions = {}): AgentMetadata {
  const document = documentOf(json, { id, names: ['issuer', 'agent'], ...o })
  return { issuer: id, agent: id, ...membersOf(document, agentMembers, ['jwks_uri']) }
}

/**
 * Reads resource metadata. Unknown members are dropped.
 * @throws AAuthError `discovery_failed` when it is not that of `id`, or a member is wrong.
 */
// unchecked options o: its one member allows more, so a slip of it allows less; called for each name
export function parseResourceMetadata(json: unknown, id: string, o: MetadataOptions = {}): ResourceMetadata {
  const document = documentOf(json, { id, names: ['issuer', 'resource'], ...o })
  return { issuer: id, resource: id, ...membersOf(document, resourceMembers, ['jwks_uri']) }
}

/**
 * Reads auth server metadata. Unknown members are dropped.
 * @throws AAuthError `discovery_failed` when it is not that of `id`, or a member is wrong.
 */
// unchecked options o: its one member allows more, so a slip of it allows less; called for each name
export function parseAuthServerMetadata(json: unknown, id: string, o: MetadataOptions = {}): AuthServerMetadata {
  const document = documentOf(json, { id, names: ['issuer'], ...o })
  return { issuer: id, ...membersOf(document, authServerMembers, ['jwks_uri', 'agent_token_endpoint']) }
}

const text: Read<string> = value => (typeof value === 'string' && value !== '' ? value : undefined)
const boolean: Read<boolean> = value => (typeof value === 'boolean' ? value : undefined)
const identifier: Read<string> = (value, o) => (isIdentifier(value, o) ? value : undefined)

const scopeName: Read<string> = value => {
  if (typeof value !== 'string') return undefined
  try {
    return parseScope(value).length === 1 ? value : undefined
  } catch {
    return undefined
  }
}

const textsByName: Read<Readonly<Record<string, string>>> = value => {
  if (!isObject(value)) return undefined
  const entries = Object.entries(value).flatMap(([name, words]) => (typeof words === 'string' ? [[name, words]] : []))
  return entries.length === Object.keys(value).length ? Object.fromEntries(entries) : undefined
}

function listOf<T>(read: Read<T>): Read<readonly T[]> {
  return (value, document) => {
    if (!Array.isArray(value)) return undefined
    const entries = value.map(entry => read(entry, document))
    return entries.every(entry => entry !== undefined) ? entries : undefined
  }
}

const operationWords: Read<OperationWords> = value => {
  if (typeof value === 'string') return value
  if (!isObject(value) || typeof value['description'] !== 'string') return undefined
  const { description, grave = false } = value
  return typeof grave === 'boolean' ? { description, ...(grave && { grave }) } : undefined
}

const dataView: Read<DataViewWords> = (value, document) => {
  if (!isObject(value) || typeof value['description'] !== 'string') return undefined
  const fields = listOf(text)(value['fields'], document)
  return fields === undefined || fields.length === 0 ? undefined : { description: value['description'], fields }
}

/** Values by name: a name is a word (§9.1). */
function mapOf<T>(read: Read<T>): Read<Readonly<Record<string, T>>> {
  return (value, document) => {
    if (!isObject(value)) return undefined
    const entries = Object.entries(value).flatMap(([name, held]) => {
      const member = isWord(name) ? read(held, document) : undefined
      return member === undefined ? [] : [[name, member] as const]
    })
    return entries.length === Object.keys(value).length ? Object.fromEntries(entries) : undefined
  }
}

const agentMembers = {
  jwks_uri: webUrl,
  redirect_uris: listOf(webUrl),
  localhost_callback_allowed: boolean,
  delegate_token_endpoint: endpoint,
  name: text,
  logo_uri: webUrl,
  policy_uri: webUrl,
  tos_uri: webUrl,
  homepage: webUrl,
}

const resourceMembers = {
  jwks_uri: webUrl,
  resource_token_endpoint: endpoint,
  revocation_endpoint: endpoint,
  auth_servers: listOf(identifier),
  supported_scopes: listOf(scopeName),
  scope_descriptions: textsByName,
  grave_scopes: listOf(scopeName),
  additional_signature_components: listOf(text),
  constraints_supported: listOf(text),
  purposes: mapOf(text),
  operations: mapOf(operationWords),
  data_views: mapOf(dataView),
}

const authServerMembers = {
  jwks_uri: webUrl,
  agent_token_endpoint: endpoint,
  agent_auth_endpoint: endpoint,
  revocation_endpoint: endpoint,
  agent_signing_algs_supported: listOf(text),
  request_types_supported: listOf(text),
  scopes_supported: listOf(scopeName),
  constraints_supported: listOf(text),
}
