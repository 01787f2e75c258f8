import { AAuthError } from '../error.js'
import { isIdentifier } from '../term/identifier.js'
import { parseScope } from '../term/scope.js'
import { isObject } from '../token/jws.js'

/** What an agent server publishes at `/.well-known/aauth-agent`. @see protocol.md §6 */
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

/** What a resource publishes at `/.well-known/aauth-resource`. @see protocol.md §6 */
export interface ResourceMetadata {
  readonly issuer: string
  readonly resource: string
  readonly jwks_uri: string
  readonly resource_token_endpoint?: string
  readonly auth_servers?: readonly string[]
  readonly supported_scopes?: readonly string[]
  readonly scope_descriptions?: Readonly<Record<string, string>>
  readonly additional_signature_components?: readonly string[]
  readonly constraints_supported?: readonly string[]
}

/** What an auth server publishes at `/.well-known/aauth-issuer`. @see protocol.md §6 */
export interface AuthServerMetadata {
  readonly issuer: string
  readonly jwks_uri: string
  readonly agent_token_endpoint: string
  readonly agent_auth_endpoint?: string
  readonly revocation_endpoint?: string
  readonly agent_signing_algs_supported?: readonly string[]
  readonly request_types_supported?: readonly string[]
  readonly scopes_supported?: readonly string[]
}

/** How strictly metadata is read. */
export interface MetadataOptions {
  /** Admits loopback `http`. Default: false. */
  readonly development?: boolean
}

/**
 * Reads agent metadata. Unknown members are dropped.
 * @throws AAuthError `discovery_failed` when it is not that of `id`, or a member is wrong.
 */
export function parseAgentMetadata(json: unknown, id: string, o: MetadataOptions = {}): AgentMetadata {
  const document = documentOf(json, { id, names: ['issuer', 'agent'], ...o })
  return { issuer: id, agent: id, ...membersOf(document, agentMembers, ['jwks_uri']) }
}

/**
 * Reads resource metadata. Unknown members are dropped.
 * @throws AAuthError `discovery_failed` when it is not that of `id`, or a member is wrong.
 */
export function parseResourceMetadata(json: unknown, id: string, o: MetadataOptions = {}): ResourceMetadata {
  const document = documentOf(json, { id, names: ['issuer', 'resource'], ...o })
  return { issuer: id, resource: id, ...membersOf(document, resourceMembers, ['jwks_uri']) }
}

/**
 * Reads auth server metadata. Unknown members are dropped.
 * @throws AAuthError `discovery_failed` when it is not that of `id`, or a member is wrong.
 */
export function parseAuthServerMetadata(json: unknown, id: string, o: MetadataOptions = {}): AuthServerMetadata {
  const document = documentOf(json, { id, names: ['issuer'], ...o })
  return { issuer: id, ...membersOf(document, authServerMembers, ['jwks_uri', 'agent_token_endpoint']) }
}

interface Document {
  readonly id: string
  readonly development: boolean
  readonly members: Readonly<Record<string, unknown>>
}

/** Reads one member; undefined means it is wrong. */
type Read<T> = (value: unknown, document: Document) => T | undefined

function documentOf(
  json: unknown,
  o: { readonly id: string; readonly names: readonly string[]; readonly development?: boolean },
): Document {
  const { id, names, development = false } = o
  if (!isObject(json)) throw wrong('the metadata must be a JSON object')
  const document: Document = { id, development, members: json }
  // A document that names another participant would lend that one's name to whoever serves it.
  for (const name of names)
    if (json[name] !== id) throw wrong(`${name} must be the identifier the metadata was fetched for`)
  for (const name of Object.keys(json)) if (name.endsWith('_endpoint')) required(document, name, endpoint)
  return document
}

function required<T>(document: Document, name: string, read: Read<T>): T {
  const value = Object.hasOwn(document.members, name) ? read(document.members[name], document) : undefined
  if (value === undefined) throw wrong(describe(name))
  return value
}

/** What may stand in a document, and what stands for it: T of each `Read<T>`. */
type Members<M, R extends keyof M> = { readonly [K in R]: Value<M[K]> } & {
  readonly [K in Exclude<keyof M, R>]?: Value<M[K]>
}
type Value<F> = F extends Read<infer T> ? T : never

/** The members of a document that a table names, in its order. */
function membersOf<M extends Readonly<Record<string, Read<unknown>>>, R extends keyof M & string>(
  document: Document,
  table: M,
  needed: readonly R[],
): Members<M, R> {
  const members: Record<string, unknown> = {}
  for (const [name, read] of Object.entries(table)) {
    const isNeeded = needed.some(each => each === name)
    if (isNeeded || Object.hasOwn(document.members, name)) members[name] = required(document, name, read)
  }
  return members as Members<M, R>
}

function describe(name: string): string {
  if (!Object.hasOwn({ ...agentMembers, ...resourceMembers, ...authServerMembers }, name))
    return 'an _endpoint of the metadata must be on its origin, without query'
  return name.endsWith('_endpoint')
    ? `${name} of the metadata must be on its origin, without query`
    : `${name} of the metadata is missing or wrong`
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

/** An https URL (in development also loopback http), spelt as every URL parser would spell it, without userinfo or fragment. */
const webUrl: Read<string> = (value, o) => {
  if (typeof value !== 'string' || value.length > 2048 || !/^[\x21-\x7e]+$/.test(value)) return undefined
  if (!URL.canParse(value)) return undefined
  const { href, origin } = new URL(value)
  const isCanonical = href === value || value === origin
  return isCanonical && !value.includes('#') && isIdentifier(origin, o) && /^[/?]?$/.test(value[origin.length] ?? '')
    ? value
    : undefined
}

/** A URL on the participant's own origin: a foreign one would receive its callers' tokens. */
const endpoint: Read<string> = (value, o) => {
  const url = webUrl(value, o)
  return url?.startsWith(`${o.id}/`) && !url.includes('?') ? url : undefined
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
  auth_servers: listOf(identifier),
  supported_scopes: listOf(scopeName),
  scope_descriptions: textsByName,
  additional_signature_components: listOf(text),
  constraints_supported: listOf(text),
}

const authServerMembers = {
  jwks_uri: webUrl,
  agent_token_endpoint: endpoint,
  agent_auth_endpoint: endpoint,
  revocation_endpoint: endpoint,
  agent_signing_algs_supported: listOf(text),
  request_types_supported: listOf(text),
  scopes_supported: listOf(scopeName),
}

function wrong(description: string): AAuthError {
  return new AAuthError('discovery_failed', description)
}
