import { randomUUID } from 'node:crypto'
import { type Conditions, endOf } from '@countersign/conditions'
import { AAuthError, type Act, serializeScope, signToken } from '@countersign/protocol'
import { refusal } from '@countersign/protocol/internal'
import type { OwnKeys } from '@countersign/store/internal'
import type { IdentifiedCaller } from '@countersign/verify'
import type { GrantUser } from './grant.js'
import { identityClaims, resourceScopes } from './identity-claims.js'

/** What every auth token of one auth server has in common. */
export interface AuthTokenIssuer {
  readonly issuer: string
  readonly keys: Pick<OwnKeys, 'signing'>
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
  readonly purposes?: readonly string[] | undefined
  /** Under which it holds; it does not outlive them. */
  readonly conditions?: Conditions | undefined
  /** The one call that a user has approved: then the token lives 5 minutes at most. */
  readonly operation_digest?: string | undefined
  /** Exchanges only: who asked, and when the upstream token ends. */
  readonly upstream?: { readonly act: Act; readonly exp: number } | undefined
  /** Where the token was named before, in the event of its grant. Default: a new name. */
  readonly jti?: string
}

/** An auth token, and its `jti` for the audit log. */
export interface IssuedToken {
  readonly auth_token: string
  readonly jti: string
  /** Seconds. */
  readonly expires_in: number
  /** Unix seconds. */
  readonly exp: number
}

/** Seconds that the token of an approval lives at most: what the user saw must still be so. @see protocol §9.4 */
const longestApproval = 300

/**
 * Issues an auth token that only the key of this request can use. It ends with its conditions, and an exchanged one with its upstream token.
 * @throws AAuthError `invalid_request` when names, scope and audit id together are longer than a token may be;
 *   `invalid_auth_token` (400) when the upstream token has expired; `access_denied` when a condition has ended
 * @see protocol §5 `auth+jwt`, §7
 */
export async function issueAuthToken(
  { issuer, keys, lifetime }: AuthTokenIssuer,
  granted: AuthTokenGrant,
  now: number,
): Promise<IssuedToken> {
  const { caller, resource, user, txn, grant, purposes = [], conditions = [], operation_digest, upstream } = granted
  // Identity scopes become claims only: a resource could take them for permissions if they stood in `scope`.
  const scope = resourceScopes(granted.scope)
  const iat = Math.floor(now)
  const longest = operation_digest === undefined ? lifetime : Math.min(lifetime, longestApproval)
  const expires_in = lifetimeWithin({ upstream, conditions }, { iat, lifetime: longest })
  const { jti = randomUUID() } = granted
  const { kid, key } = await keys.signing()
  const auth_token = await signWithinLimit({
    typ: 'auth+jwt',
    key,
    kid,
    claims: {
      ...identityClaims(granted.scope, user?.claims ?? {}),
      iss: issuer,
      aud: resource,
      ...(caller.agent === resource ? {} : { agent: caller.agent }),
      ...(caller.delegate === undefined ? {} : { agent_delegate: caller.delegate }),
      cnf: { jwk: caller.key.publicJwk },
      ...(user === undefined ? {} : { sub: user.sub }),
      ...(scope.length === 0 ? {} : { scope: serializeScope(scope) }),
      ...(purposes.length === 0 ? {} : { purposes: purposes.join(' ') }),
      ...(conditions.length === 0 ? {} : { constraints: conditions }),
      iat,
      exp: iat + expires_in,
      jti,
      ...(txn === undefined ? {} : { txn }),
      ...(grant === undefined ? {} : { grant }),
      ...(operation_digest === undefined ? {} : { operation_digest }),
      ...(upstream === undefined ? {} : { act: upstream.act }),
    },
  })
  return { auth_token, jti, expires_in, exp: iat + expires_in }
}

/** The upstream token, or a condition, may have ended while other parties were looked up. */
function lifetimeWithin(
  { upstream, conditions }: { readonly upstream: AuthTokenGrant['upstream']; readonly conditions: Conditions },
  { iat, lifetime }: { readonly iat: number; readonly lifetime: number },
): number {
  const left = (upstream?.exp ?? Number.POSITIVE_INFINITY) - iat
  if (left <= 0) throw refusal('token_expired', { code: 'invalid_auth_token', about: 'upstream_token', status: 400 })
  const held = Math.floor(endOf(conditions, iat) ?? Number.POSITIVE_INFINITY) - iat
  if (held <= 0) throw refusal('condition_ended', { code: 'access_denied' })
  return Math.min(lifetime, left, held)
}

/** Each part is within its own limit. Too long all together is a fault of the request, not of this server. */
async function signWithinLimit(token: Parameters<typeof signToken>[0]): Promise<string> {
  try {
    return await signToken(token)
  } catch (error) {
    if (!(error instanceof TypeError && error.cause instanceof AAuthError)) throw error
    throw refusal('token_too_large', { code: 'invalid_request', cause: error })
  }
}
