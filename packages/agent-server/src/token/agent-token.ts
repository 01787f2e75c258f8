import { randomUUID } from 'node:crypto'
import type { PublicJwk } from '@countersign/httpsig'
import { type PublishedKey, signToken } from '@countersign/protocol'
import type { Delegation } from '../delegation/delegation.js'
import { audienceOf } from './audience.js'

/** What all agent tokens of one agent server have in common. */
export interface AgentTokenIssuer {
  readonly id: string
  /** The key that signs now. */
  signingKey(): Promise<PublishedKey>
  /** Seconds a token lives. */
  readonly lifetime: number
  /** Absent: any receiver accepts the token. */
  readonly audience?: readonly string[] | undefined
}

/** The delegate that a token is for. */
export interface TokenSubject {
  readonly sub: string
  readonly jwk: PublicJwk
  /** What it may be used for; undefined: no conditions. */
  readonly delegation?: Delegation | undefined
  /** The receivers that it names; undefined: all that the operator allows. */
  readonly audience?: readonly string[] | undefined
}

/**
 * Issues an agent token that binds `sub` to one key.
 * @throws AAuthError `invalid_request` for a receiver that the operator does not allow
 * @see protocol §5 `agent+jwt`, §9
 */
export async function issueAgentToken(
  issuer: AgentTokenIssuer,
  delegate: TokenSubject & { readonly now: number },
): Promise<string> {
  const { delegation } = delegate
  const aud = audienceOf(issuer, delegation, delegate.audience)
  const { key, kid } = await issuer.signingKey()
  const iat = Math.floor(delegate.now)
  return signToken({
    typ: 'agent+jwt',
    key,
    kid,
    claims: {
      iss: issuer.id,
      sub: delegate.sub,
      cnf: { jwk: delegate.jwk },
      iat,
      exp: iat + issuer.lifetime,
      jti: randomUUID(),
      ...(aud === undefined ? {} : { aud }),
      ...(delegation === undefined ? {} : { delegation: delegation.conditions }),
    },
  })
}
