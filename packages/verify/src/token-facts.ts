import type { VerifyKey } from '@countersign/httpsig'
import { type AgentTokenClaims, type AuthTokenClaims, freezeJson, parseScope } from '@countersign/protocol'
import type { AuthorizedCaller, IdentifiedCaller, User } from './caller.js'

// Facts are shared by all requests under a token: a handler that could change one, a member of a nested claim too, would change who
// calls in the next request.

/** What an agent token says of the holder of its key; frozen. */
export function identifiedFacts(claims: AgentTokenClaims, key: VerifyKey): IdentifiedCaller {
  const token = freezeJson(claims)
  return Object.freeze({ level: 'identified', agent: claims.iss, delegate: claims.sub, key, token })
}

/** What an auth token says of the holder of its key; frozen. */
export function authorizedFacts(claims: AuthTokenClaims, key: VerifyKey): AuthorizedCaller {
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
  })
}

const notIdentity: ReadonlySet<string> = new Set(
  'iss sub aud exp nbf iat jti cnf agent agent_delegate scope act purpose txn constraints delegation'.split(' '),
)

/** The user that a verified auth token is about: the pair of `iss` and `sub`, and what identity scopes granted of them. */
export function userOf(claims: AuthTokenClaims & { readonly sub: string }): User {
  const identity: Record<string, unknown> = {}
  for (const name of Object.keys(claims)) if (!notIdentity.has(name)) identity[name] = claims[name]
  return Object.freeze({ iss: claims.iss, sub: claims.sub, claims: Object.freeze(identity) })
}

function hasUser(claims: AuthTokenClaims): claims is AuthTokenClaims & { readonly sub: string } {
  return claims.sub !== undefined
}
