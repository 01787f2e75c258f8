import { randomUUID } from 'node:crypto'
import type { PublicJwk } from '@countersign/httpsig'
import { type PublishedKey, signToken } from '@countersign/protocol'

/** What every agent token of one agent server has in common. */
export interface AgentTokenIssuer {
  readonly id: string
  /** The key that signs now. */
  signingKey(): Promise<PublishedKey>
  /** Seconds a token lives. */
  readonly lifetime: number
  /** Absent: good at every receiver. */
  readonly audience?: string[]
}

/**
 * Issues an agent token that binds `sub` to one key.
 * @see protocol §5 `agent+jwt`
 */
export async function issueAgentToken(
  issuer: AgentTokenIssuer,
  delegate: { readonly sub: string; readonly jwk: PublicJwk; readonly now: number },
): Promise<string> {
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
      ...(issuer.audience === undefined ? {} : { aud: issuer.audience }),
    },
  })
}
