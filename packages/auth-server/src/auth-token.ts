import { randomUUID } from 'node:crypto'
import { type PublishedKey, signToken } from '@countersign/protocol'
import type { IdentifiedCaller } from '@countersign/verify'

/** What every auth token of one auth server has in common. */
export interface AuthTokenIssuer {
  readonly issuer: string
  readonly key: PublishedKey
  /** Seconds a token lives. */
  readonly lifetime: number
}

/** An auth token and the name it has in the audit log. */
export interface IssuedToken {
  readonly auth_token: string
  readonly jti: string
}

/**
 * Issues an auth token that only the key of this request can use.
 * @see protocol §5 `auth+jwt`
 */
export async function issueAuthToken(
  { issuer, key, lifetime }: AuthTokenIssuer,
  granted: {
    readonly caller: IdentifiedCaller
    readonly resource: string
    readonly scope: string
    readonly txn?: string
    readonly now: number
  },
): Promise<IssuedToken> {
  const { caller, resource, scope, txn } = granted
  const iat = Math.floor(granted.now)
  const jti = randomUUID()
  const auth_token = await signToken({
    typ: 'auth+jwt',
    key: key.key,
    kid: key.kid,
    claims: {
      iss: issuer,
      aud: resource,
      ...(caller.agent === resource ? {} : { agent: caller.agent }),
      ...(caller.delegate === undefined ? {} : { agent_delegate: caller.delegate }),
      cnf: { jwk: caller.key.publicJwk },
      scope,
      iat,
      exp: iat + lifetime,
      jti,
      ...(txn === undefined ? {} : { txn }),
    },
  })
  return { auth_token, jti }
}
