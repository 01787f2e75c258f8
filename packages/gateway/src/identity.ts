import type { ReceivedMessage, SigningKey } from '@countersign/httpsig'
import { pathOf } from '@countersign/httpsig/internal'
import { maxJwsBytes, refusal, signJws } from '@countersign/protocol/internal'
import type { AAuth } from '@countersign/resource'

/** A header line. */
export type Line = readonly [name: string, value: string]

/**
 * How the API gets the caller's identity: in one header for each fact (`headers`), or in one short JWT in `AAuth-Identity`, signed
 * with a key that the resource publishes. Use the JWT for an API that others can reach, too: only requests from the gateway have one.
 * It is bound to the method and the path of one request, and not to its query or body: a copy of it is good for others of that path for
 * 60 seconds.
 */
export type Identity = 'headers' | IdentityKey

/** A key of the resource, and its `kid` in the JWKS. */
export interface IdentityKey {
  readonly kid: string
  readonly key: SigningKey
}

/** The verified request that the facts belong to. */
export type About = Pick<ReceivedMessage, 'method' | 'target'>

/** Writes the facts of a request as header lines. */
export interface Teller {
  /** All header names it may use; inbound copies of all of them are dropped, also when a fact is unknown and has no line. */
  readonly names: readonly string[]
  tell(aauth: AAuth, about: About): Promise<readonly Line[]>
}

/** Seconds that a JWT is valid; it serves one request. */
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
      // Bound to method and path, so that a JWT stolen from a log of the API does not open another path. Query and body are not bound.
      const bound = { iss: id, aud: id, iat, exp: iat + lifetime, htm: method, htu: `${id}${pathOf(target)}` }
      const claims = JSON.stringify({ ...bound, ...claimsOf(ownFacts(aauth)) })
      const jwt = await signJws({ typ, kid }, claims, key)
      if (jwt.length > maxJwsBytes) throw refusal('facts_too_long')
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

/**
 * Sent only with a bot, and not among the names above: a proxy that asks a check may be told to replace no more than those. Copies that a
 * caller sends never reach the API: the gateway drops, and the check refuses, what looks like a fact. Of its own, so that no API that
 * reads `AAuth-Agent` takes a bot for an agent.
 */
const botFact: (typeof facts)[number] = ['AAuth-Bot', ({ bot }) => bot]

const allFacts = [...facts, botFact]

function factLines(aauth: AAuth): Line[] {
  const lines: Line[] = []
  for (const [name, of] of allFacts) {
    const value = of(aauth)
    if (value !== undefined) lines.push([name, plainValue(value)])
  }
  return lines
}

/** Without the user of a bearer token, who is not an AAuth user: the API gets the bearer token itself. */
function ownFacts(aauth: AAuth): AAuth {
  const { level, credential } = aauth
  return credential === 'bearer' ? { level, credential, scope: [], chain: [] } : aauth
}

/** Undefined members are left out of the JSON. A subject always has its issuer: two issuers may use the same subject. */
function claimsOf(aauth: AAuth): Record<string, unknown> {
  const { level, credential, agent, bot, delegate, user, scope, issuer, txn, chain, key, purpose, purposes } = aauth
  return {
    level,
    credential,
    agent,
    bot,
    agent_delegate: delegate,
    user: user === undefined ? undefined : { iss: user.iss, sub: user.sub },
    scope: scope.length > 0 ? scope.join(' ') : undefined,
    issuer,
    txn,
    chain: chain.length > 0 ? chain : undefined,
    jkt: key,
    purpose,
    purposes: purposes?.join(' '),
    constraints: aauth.constraints,
  }
}

const space = 0x20
// Printable ASCII without `%` and spaces.
const asItIs = /^[\x21-\x24\x26-\x7e]*$/

/**
 * Keeps printable ASCII; percent-encodes `%` and all else as UTF-8, so that no two ids become equal and none breaks a line. Encodes
 * spaces at the ends, too: parsers of headers would strip them.
 */
function plainValue(value: string): string {
  if (asItIs.test(value)) return value
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
