import { keyOf, makeKey, type TestKey } from '../signing/key.js'
import type { Issuer } from '../signing/token.js'
import { type Origin, openOrigin } from './origin.js'

/** A participant that the suite plays: an origin with keys that it publishes. */
export interface Participant extends Issuer {
  readonly origin: Origin
}

/** Where a participant is played. */
export interface Place {
  readonly port?: number | undefined
  readonly id?: string | undefined
  /** What the keys of its identifier follow from, so that they are the same in every run; default fresh keys. */
  readonly secret?: string | undefined
  /** The member of the configuration that names its port. */
  readonly option?: string | undefined
}

/** A key as a key set has it. */
export function publishedKey(kid: string, key: TestKey): Readonly<Record<string, string>> {
  return { ...key.jwk, kid }
}

/** The documents by which the other participants know one. */
export type Role = 'aauth-agent' | 'aauth-issuer' | 'aauth-resource'

/** Members of a role's metadata beside those of its identity, from the identifier. */
export type MoreMembers = (id: string) => Readonly<Record<string, unknown>>

/** Opens a participant that publishes the metadata of its roles, and one key. */
export async function openParticipant(o: {
  readonly place?: Place | undefined
  readonly roles: Partial<Record<Role, MoreMembers>>
  readonly kid?: string
}): Promise<Participant> {
  const { port, id: given, secret, option } = o.place ?? {}
  const origin = await openOrigin({
    option,
    ...(port === undefined ? {} : { port }),
    ...(given === undefined ? {} : { id: given }),
  })
  const { id } = origin
  const kid = o.kid ?? 'k1'
  const key = secret === undefined ? makeKey() : keyOf(id, secret)
  origin.publish('/jwks.json', { keys: [publishedKey(kid, key)] })
  for (const [role, members] of Object.entries(o.roles))
    origin.publish(`/.well-known/${role}`, { ...identityMembers(role, id), ...members(id) })
  return { id, kid, key, origin }
}

/** The members that every document of a role has. @see protocol §2 */
export function identityMembers(role: string, id: string): Readonly<Record<string, unknown>> {
  const self = role === 'aauth-agent' ? { agent: id } : role === 'aauth-resource' ? { resource: id } : {}
  return { issuer: id, ...self, jwks_uri: `${id}/jwks.json` }
}

/** Publishes the metadata of one role, to be kept for as short a time as readers keep any. */
export function publishBriefly(
  { id, origin }: Participant,
  role: Role,
  members: Readonly<Record<string, unknown>>,
): void {
  const body = JSON.stringify({ ...identityMembers(role, id), ...members })
  const headers = { 'content-type': 'application/json', 'cache-control': 'max-age=1' }
  origin.answer(`/.well-known/${role}`, () => ({ headers, body }))
}
