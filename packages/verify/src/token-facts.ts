import type { VerifyKey } from '@countersign/httpsig'
import {
  type AgentTokenClaims,
  type AuthTokenClaims,
  type Conditions,
  parseConditions,
  parseScope,
} from '@countersign/protocol'
import { freezeJson } from '@countersign/protocol/internal'
import type { AuthorizedCaller, IdentifiedCaller, User } from './caller.js'

// All requests with a token share these facts. They are frozen, nested claims too: a handler that changed one would change the
// caller of the next request.

/**
 * The caller that an agent token names; frozen.
 * @throws AAuthError `policy_denied` for conditions that are not understood
 */
export function identifiedFacts(claims: AgentTokenClaims, key: VerifyKey, o: Strictness): IdentifiedCaller {
  const delegation = conditionsIn(claims, 'delegation', o)
  const token = freezeJson(claims)
  return Object.freeze({
    level: 'identified',
    agent: claims.iss,
    delegate: claims.sub,
    key,
    token,
    ...(delegation === undefined ? {} : { delegation }),
  })
}

/** Whether loopback identifiers are accepted in conditions. */
interface Strictness {
  readonly development: boolean
}

/** The conditions of a token. `null` is a wrong list, not an absent one. @throws AAuthError `policy_denied` */
function conditionsIn(claims: object, claim: 'delegation' | 'constraints', o: Strictness): Conditions | undefined {
  if (!(claim in claims)) return undefined
  const { development } = o
  const value = (claims as Readonly<Record<string, unknown>>)[claim]
  return parseConditions(value, { development, delegation: claim === 'delegation' })
}

/**
 * The caller that an auth token names; frozen.
 * @throws AAuthError `policy_denied` for conditions that are not understood
 */
export function authorizedFacts(claims: AuthTokenClaims, key: VerifyKey, o: Strictness): AuthorizedCaller {
  const constraints = conditionsIn(claims, 'constraints', o)
  freezeJson(claims)
  return Object.freeze({
    level: 'authorized',
    issuer: claims.iss,
    agent: claims.agent ?? claims.aud,
    ...(claims.agent_delegate === undefined ? {} : { delegate: claims.agent_delegate }),
    key,
    token: claims,
    scope: Object.freeze(claims.scope === undefined ? [] : parseScope(claims.scope)),
    ...(hasUser(claims) ? { user: userOf(claims) } : {}),
    ...(constraints === undefined ? {} : { constraints }),
    ...(claims.purposes === undefined ? {} : { purposes: Object.freeze(claims.purposes.split(' ')) }),
  })
}

const notIdentity: ReadonlySet<string> = new Set(
  'iss sub aud exp nbf iat jti cnf agent agent_delegate scope act purpose txn grant purposes operation_digest constraints delegation'.split(
    ' ',
  ),
)

/** The user of a verified auth token: the pair of `iss` and `sub`, and the claims that identity scopes granted. */
export function userOf(claims: AuthTokenClaims & { readonly sub: string }): User {
  const identity: Record<string, unknown> = {}
  for (const name of Object.keys(claims)) if (!notIdentity.has(name)) identity[name] = claims[name]
  return Object.freeze({ iss: claims.iss, sub: claims.sub, claims: Object.freeze(identity) })
}

function hasUser(claims: AuthTokenClaims): claims is AuthTokenClaims & { readonly sub: string } {
  return claims.sub !== undefined
}
