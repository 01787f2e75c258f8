import { randomUUID } from 'node:crypto'
import { AAuthError, type Act, type PublishedKey, serializeScope, signToken } from '@countersign/protocol'
import type { IdentifiedCaller } from '@countersign/verify'
import type { GrantUser } from './grant.js'
import { identityClaims, resourceScopes } from './identity-claims.js'

/** What every auth token of one auth server has in common. */
export interface AuthTokenIssuer {
  readonly issuer: string
  readonly key: PublishedKey
  /** Seconds a token lives. */
  readonly lifetime: number
}

/** What an auth token is issued for. */
export interface AuthTokenGrant {
  readonly caller: IdentifiedCaller
  /** Its audience. */
  readonly resource: string
  /** Identity scopes included. */
  readonly scope: readonly string[]
  readonly user?: GrantUser | undefined
  readonly txn?: string | undefined
  /** Names the grant that the token belongs to; undefined where there is none. */
  readonly grant: string | undefined
  /** Exchanges only: who asked, and when the upstream token ends. */
  readonly upstream?: { readonly act: Act; readonly exp: number }
}

/** An auth token, and its `jti` for the audit log. */
export interface IssuedToken {
  readonly auth_token: string
  readonly jti: string
  /** Seconds. */
  readonly expires_in: number
}

/**
 * Issues an auth token that only the key of this request can use. An exchanged one ends with its upstream token.
 * @throws AAuthError `invalid_request` when names, scope and audit id together are longer than a token may be;
 *   `invalid_auth_token` (400) when the upstream token has expired
 * @see protocol §5 `auth+jwt`, §7
 */
export async function issueAuthToken(
  { issuer, key, lifetime }: AuthTokenIssuer,
  granted: AuthTokenGrant,
  now: number,
): Promise<IssuedToken> {
  const { caller, resource, user, txn, grant, upstream } = granted
  // Identity scopes become claims only: a resource could take them for permissions if they stood in `scope`.
  const scope = resourceScopes(granted.scope)
  const iat = Math.floor(now)
  const expires_in = upstream === undefined ? lifetime : lifetimeWithin(upstream.exp, { iat, lifetime })
  const jti = newTokenId(grant)
  const auth_token = await signWithinLimit({
    typ: 'auth+jwt',
    key: key.key,
    kid: key.kid,
    claims: {
      ...identityClaims(granted.scope, user?.claims ?? {}),
      iss: issuer,
      aud: resource,
      ...(caller.agent === resource ? {} : { agent: caller.agent }),
      ...(caller.delegate === undefined ? {} : { agent_delegate: caller.delegate }),
      cnf: { jwk: caller.key.publicJwk },
      ...(user === undefined ? {} : { sub: user.sub }),
      ...(scope.length === 0 ? {} : { scope: serializeScope(scope) }),
      iat,
      exp: iat + expires_in,
      jti,
      ...(txn === undefined ? {} : { txn }),
      ...(upstream === undefined ? {} : { act: upstream.act }),
    },
  })
  return { auth_token, jti, expires_in }
}

/** The upstream token may have ended while other parties were looked up. */
function lifetimeWithin(exp: number, { iat, lifetime }: { readonly iat: number; readonly lifetime: number }): number {
  if (exp > iat) return Math.min(lifetime, exp - iat)
  throw new AAuthError('invalid_auth_token', 'upstream_token has expired', { status: 400 })
}

/**
 * A `jti` that names the grant, so that an exchange of the token finds it. It is no claim of its own, because a receiver takes
 * claims it does not know for claims about the user.
 */
function newTokenId(grant: string | undefined): string {
  return grant === undefined ? randomUUID() : `${grant}.${randomUUID()}`
}

/** The grant that a `jti` of this auth server names, if it names one. */
export function grantIn(jti: string): string | undefined {
  return /^([0-9a-f-]{36})\.[0-9a-f-]{36}$/.exec(jti)?.[1]
}

/** Each part is within its own limit. Too long all together is a fault of the request, not of this server. */
async function signWithinLimit(token: Parameters<typeof signToken>[0]): Promise<string> {
  try {
    return await signToken(token)
  } catch (error) {
    if (!(error instanceof TypeError && error.cause instanceof AAuthError)) throw error
    throw new AAuthError(
      'invalid_request',
      'the granted names and scope are too long for an auth token: ask for fewer scopes',
      { cause: error },
    )
  }
}
