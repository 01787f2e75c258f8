import { keyOf, makeKey, type TestKey } from '../../signing/key.js'

/** How the agent is started. */
export interface Settings {
  /** Its identifier. */
  readonly id: string
  /** What its key follows from. */
  readonly secret: string
  /** The auth servers that it accepts. */
  readonly authServers: readonly string[]
  /** The folder of the tokens that it keeps. */
  readonly state: string
  /** The program that opens a URL for its user, and its arguments. */
  readonly browser: readonly string[]
}

/** How its user can be asked: not at all, by a link, or by a code; or it may not even say who it is; or it calls for another user. */
export type How = 'none' | 'link' | 'code' | 'pseudonym' | 'other'

export const kid = 'k1'

/** The published key of the agent. */
export function ownKey({ id, secret }: Settings): TestKey {
  return keyOf(id, secret)
}

/** A key that signs a request, and how `Signature-Key` names it. */
export interface Signer {
  readonly level: 'pseudonymous' | 'identified' | 'authorized'
  readonly key: TestKey
  readonly keyMember: string
}

/** Signs by a fresh key that stands in the request. */
export function pseudonym(): Signer {
  const key = makeKey()
  const { kty, crv, x } = key.jwk
  const keyMember = `hwk;alg="${key.alg}";kty="${kty}";crv="${crv}";x="${x}"`
  return { level: 'pseudonymous', key, keyMember }
}

/** Signs by the published key. */
export function identified(settings: Settings): Signer {
  const keyMember = `jwks_uri;id="${settings.id}";kid="${kid}";dwk="aauth-agent"`
  return { level: 'identified', key: ownKey(settings), keyMember }
}

/** Signs under an auth token. */
export function authorized(settings: Settings, token: string): Signer {
  return { level: 'authorized', key: ownKey(settings), keyMember: `jwt;jwt="${token}"` }
}

/** The seconds of the clock. */
export const now = (): number => Math.floor(Date.now() / 1000)

/** Ends a call: it says why, in words of its own. */
export class GaveUp extends Error {
  override readonly name = 'GaveUp'
}
