import { refusal } from '../error.js'
import { offPage } from '../internal/check-options.js'
import { isIdentifier } from '../term/identifier.js'
import { isObject } from '../token/jws.js'

/** How strictly metadata is read. */
export interface MetadataOptions {
  /** Admits loopback `http`. Default: false. */
  readonly development?: boolean
}

/** Metadata whose members are being read. */
interface Document {
  readonly id: string
  readonly development: boolean
  readonly members: Readonly<Record<string, unknown>>
}

/** Reads one member; undefined means it is wrong. */
export type Read<T> = (value: unknown, document: Document) => T | undefined

/** Endpoints that the protocol has. Others are named by strangers, and go into no message. */
export const endpointNames = [
  'agent_token_endpoint',
  'agent_auth_endpoint',
  'delegate_token_endpoint',
  'resource_token_endpoint',
  'revocation_endpoint',
] as readonly string[]

export function documentOf(
  json: unknown,
  o: { readonly id: string; readonly names: readonly string[]; readonly development?: boolean },
): Document {
  const { id, names, development = false } = o
  if (!isObject(json)) throw refusal('document_malformed', { about: offPage && 'the metadata must be a JSON object' })
  const document: Document = { id, development, members: json }
  // Otherwise a server could publish a document in the name of another participant.
  for (const name of names) if (json[name] !== id) throw refusal('document_of_another', { about: name })
  // id.endpoints.origin
  for (const name of Object.keys(json)) if (name.endsWith('_endpoint')) readRequired(document, name, endpoint)
  return document
}

function readRequired<T>(document: Document, name: string, read: Read<T>): T {
  const value = Object.hasOwn(document.members, name) ? read(document.members[name], document) : undefined
  if (value === undefined) throw refusal('document_malformed', { about: offPage && describe(name) })
  return value
}

/** The members of a document: T of each `Read<T>`, required for R. */
type Members<M, R extends keyof M> = { readonly [K in R]: Value<M[K]> } & {
  readonly [K in Exclude<keyof M, R>]?: Value<M[K]>
}
type Value<F> = F extends Read<infer T> ? T : never

/** Reads the members of a document that a table lists, in the order of the table. */
export function membersOf<M extends Readonly<Record<string, Read<unknown>>>, R extends keyof M & string>(
  document: Document,
  table: M,
  needed: readonly R[],
): Members<M, R> {
  const members: Record<string, unknown> = {}
  for (const [name, read] of Object.entries(table)) {
    const isNeeded = needed.some(each => each === name)
    if (isNeeded || Object.hasOwn(document.members, name)) members[name] = readRequired(document, name, read)
  }
  return members as Members<M, R>
}

function describe(name: string): string {
  if (!name.endsWith('_endpoint')) return `${name} of the metadata is missing or wrong`
  return `${endpointNames.includes(name) ? name : 'an _endpoint'} of the metadata must be on its origin, without query`
}

/** An https URL (in development also loopback http) in the spelling of URL parsers, without userinfo or fragment. */
export const webUrl: Read<string> = (value, o) => {
  if (typeof value !== 'string' || value.length > 2048 || !/^[\x21-\x7e]+$/.test(value)) return undefined
  if (!URL.canParse(value)) return undefined
  const { href, origin } = new URL(value)
  const isCanonical = href === value || value === origin
  return isCanonical && !value.includes('#') && isIdentifier(origin, o) && /^[/?]?$/.test(value[origin.length] ?? '')
    ? value
    : undefined
}

/** A URL on the origin of the participant: another origin would receive the tokens of its callers. */
export const endpoint: Read<string> = (value, o) => {
  const url = webUrl(value, o)
  return url?.startsWith(`${o.id}/`) && !url.includes('?') ? url : undefined // id.endpoints.origin
}
