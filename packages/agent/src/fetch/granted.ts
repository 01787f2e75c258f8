import { type AuthTokenClaims, identityScopes, missingScope, parseToken } from '@countersign/protocol'
import { identityScopesIn } from '@countersign/protocol/internal'
import { type User, userOf } from '@countersign/verify'
import type { Grant } from '../grant/grants.js'
import type { CallbackResult } from '../grant/interact.js'

/** The result of a callback. */
export interface Granted {
  /** The auth server. Absent when the resource itself asked its user; the next call to the resource then continues. */
  readonly issuer?: string
  readonly resource: string
  /** Scopes granted, separated by spaces. An identity scope counts when at least one of its claims is in the token. */
  readonly scope: string
  /** The verified user, known by `iss` and `sub`; absent when the auth server does not name the user to this agent. */
  readonly user?: User
}

/** Returns the result of a callback as the app gets it. */
export function describeCallback(
  { resource, grant }: CallbackResult,
  context: { readonly development: boolean },
): Granted {
  return grant === undefined ? { resource, scope: '' } : describeGrant(grant, context)
}

/** Returns what a grant allows, and its user. Its token was verified when it was received. */
export function describeGrant(grant: Grant, { development }: { readonly development: boolean }): Granted {
  const { issuer, resource, scope: asked, authToken } = grant
  const claims = parseToken(authToken, ['auth+jwt'], { development }).payload as AuthTokenClaims
  const { sub } = claims
  const unmet = missingScope(identityScopesIn(claims), identityScopes)
  const scope = missingScope(unmet, asked.split(' ')).join(' ')
  return { issuer, resource, scope, ...(sub === undefined ? {} : { user: userOf({ ...claims, sub }) }) }
}
