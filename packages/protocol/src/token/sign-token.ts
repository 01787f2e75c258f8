import type { SigningKey } from '@countersign/httpsig'
import { identityScopes } from '../term/scope.js'
import { type AgentTokenClaims, checkAgentToken } from './agent-token.js'
import { type AuthTokenClaims, checkAuthToken } from './auth-token.js'
import { maxJwsBytes } from './jws.js'
import { checkResourceToken, type ResourceTokenClaims } from './resource-token.js'
import { signJws } from './sign-jws.js'
import { draftToken, invalidToken, type ReadClaims, type TokenType } from './token.js'

/**
 * Issues a token.
 * @throws TypeError when {@link parseToken} or the check of its type would refuse it: the issuer gets the error, not the receiver.
 * @see protocol §5
 */
// unchecked options o: all members are required, and one that is missing refuses everything
export async function signToken(o: {
  readonly typ: TokenType
  readonly key: SigningKey
  readonly kid: string
  readonly claims: AgentTokenClaims | ResourceTokenClaims | AuthTokenClaims
}): Promise<string> {
  const { typ, kid, key } = o
  const claims = JSON.stringify(o.claims)
  try {
    checkClaims(draftToken({ typ, alg: key.algorithm, kid, claims }))
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : 'its claims are wrong'
    throw new TypeError(`the token would be refused: ${reason}`, { cause })
  }
  const token = await signJws({ typ, kid }, claims, key)
  if (token.length > maxJwsBytes) {
    const cause = invalidToken('token_too_large', { typ })
    throw new TypeError(`the token would be refused: ${cause.description}`, { cause })
  }
  return token
}

/** Checks the claims as their receiver would at the moment of issue. */
function checkClaims(parsed: ReadClaims): void {
  const { iat, aud, scope } = parsed.payload
  const now = typeof iat === 'number' ? iat : Number.NaN
  const audience = typeof aud === 'string' ? aud : ''
  if (parsed.typ === 'resource+jwt') checkResourceToken(parsed, { now, audience })
  else if (parsed.typ === 'agent+jwt') {
    const [receiver] = Array.isArray(aud) ? aud : [aud]
    checkAgentToken(parsed, { now, receiver: String(receiver) })
  } else {
    checkAuthToken(parsed, { now, audience })
    if (
      String(scope ?? '')
        .split(' ')
        .some(name => identityScopes.includes(name))
    )
      throw new TypeError('scope must not have identity scopes; their claims show that they were granted')
  }
}
