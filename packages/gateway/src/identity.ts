import { pathOf, type ReceivedMessage, type SigningKey } from '@countersign/httpsig'
import { AAuthError, maxJwsBytes, signJws } from '@countersign/protocol'
import type { AAuth } from '@countersign/resource'

/** A header line. */
export type Line = readonly [name: string, value: string]

/**
 * How the API behind learns who is calling: by one header for each fact (`headers`), or by all of them in one short JWT in
 * `AAuth-Identity`, signed with a key that the resource publishes. The JWT is for an API that others can reach, too: what did not
 * come through the gateway has none.
 */
export type Identity = 'headers' | IdentityKey

/** A key of the resource, and what it is called in its JWKS. */
export interface IdentityKey {
  readonly kid: string
  readonly key: SigningKey
}

/** The request that facts are about, as it was verified. */
export type About = Pick<ReceivedMessage, 'method' | 'target'>

/** Tells the facts of one request in header lines. */
export interface Teller {
  /** Every name it may use: what has no line is not known, and no inbound copy may take its place. */
  readonly names: readonly string[]
  tell(aauth: AAuth, about: About): Promise<Line[]>
}

/** Seconds that a JWT is good for: it is for the request it goes with. */
const lifetime = 60
const typ = 'aauth-identity+jwt'
const identityName = 'AAuth-Identity'

/**
 * @param o.id the resource
 * @param o.now Unix seconds
 */
export function tellerOf(o: { readonly identity: Identity; readonly id: string; now(): number }): Teller {
  const { identity, id, now } = o
  if (identity === 'headers')
    return { names: facts.map(([name]) => name), tell: async aauth => factLines(ownFacts(aauth)) }
  const { kid, key } = identity
  return {
    names: [identityName],
    async tell(aauth, { method, target }) {
      const iat = Math.floor(now())
      // One that is found in a log of the API is good for nothing but the request that is found beside it.
      const bound = { iss: id, aud: id, iat, exp: iat + lifetime, htm: method, htu: `${id}${pathOf(target)}` }
      const claims = JSON.stringify({ ...bound, ...claimsOf(ownFacts(aauth)) })
      const jwt = await signJws({ typ, kid }, claims, key)
      if (jwt.length > maxJwsBytes)
        throw new AAuthError('invalid_request', 'what is known of this request is too long to be passed on', {
          status: 431,
        })
      return [[identityName, jwt]]
    },
  }
}

const facts: ReadonlyArray<readonly [name: string, of: (aauth: AAuth) => string | undefined]> = [
  ['AAuth-Level', ({ level }) => level],
  ['AAuth-Agent', ({ agent }) => agent],
  ['AAuth-Delegate', ({ delegate }) => delegate],
  ['AAuth-User', ({ user }) => user?.sub],
  ['AAuth-Scope', ({ scope }) => (scope.length > 0 ? scope.join(' ') : undefined)],
  ['AAuth-Issuer', ({ issuer }) => issuer],
  ['AAuth-Key', ({ key }) => key],
]

function factLines(aauth: AAuth): Line[] {
  return facts.flatMap(([name, of]) => {
    const value = of(aauth)
    return value === undefined ? [] : [[name, plainValue(value)] as const]
  })
}

/** The user of a bearer token is not one of AAuth's: the API gets the token itself. */
function ownFacts(aauth: AAuth): AAuth {
  const { level, credential } = aauth
  return credential === 'bearer' ? { level, credential, scope: [], chain: [] } : aauth
}

/** What is undefined does not go into JSON. A subject never stands without its issuer: two of them may know the same one. */
function claimsOf(aauth: AAuth): Record<string, unknown> {
  const { level, credential, agent, delegate, user, scope, issuer, txn, chain, key, purpose } = aauth
  return {
    level,
    credential,
    agent,
    agent_delegate: delegate,
    user: user === undefined ? undefined : { iss: user.iss, sub: user.sub },
    scope: scope.length > 0 ? scope.join(' ') : undefined,
    issuer,
    txn,
    chain: chain.length > 0 ? chain : undefined,
    jkt: key,
    purpose,
  }
}

const space = 0x20

/**
 * Printable ASCII as it is; `%` and all else percent-encoded as UTF-8, so that no two ids look alike and none breaks a line. Spaces
 * at the ends, too: whoever reads the header leaves them out.
 */
function plainValue(value: string): string {
  const bytes = new TextEncoder().encode(value)
  const first = bytes.findIndex(byte => byte !== space)
  const last = bytes.findLastIndex(byte => byte !== space)
  const isPlain = (byte: number, at: number): boolean =>
    byte >= space && byte <= 0x7e && byte !== 0x25 && (byte !== space || (at > first && at < last))
  return [...bytes].map((byte, at) => (isPlain(byte, at) ? String.fromCharCode(byte) : percentEncoded(byte))).join('')
}

function percentEncoded(byte: number): string {
  return `%${byte.toString(16).toUpperCase().padStart(2, '0')}`
}
