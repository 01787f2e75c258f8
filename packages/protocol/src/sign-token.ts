import {
  asciiBytes,
  base64urlEncode,
  base64urlEncodeText,
  type SigningKey,
  signatureLength,
} from '@countersign/httpsig'
import { type AgentTokenClaims, checkAgentToken } from './agent-token.js'
import { type AuthTokenClaims, checkAuthToken } from './auth-token.js'
import { maxJwsBytes } from './jws.js'
import { checkResourceToken, type ResourceTokenClaims } from './resource-token.js'
import { identityScopes } from './scope.js'
import { draftToken, invalidToken, type ReadClaims, type TokenType } from './token.js'

/**
 * Issues a token.
 * @throws TypeError when it would be over a limit or wrong in a way {@link parseToken} and the check of its type refuse:
 * an issuer finds out here, not at the receiver.
 * @see protocol.md §5
 */
export async function signToken(o: {
  readonly typ: TokenType
  readonly key: SigningKey
  readonly kid: string
  readonly claims: AgentTokenClaims | ResourceTokenClaims | AuthTokenClaims
}): Promise<string> {
  const claims = JSON.stringify(o.claims)
  const header = base64urlEncodeText(JSON.stringify({ typ: o.typ, alg: o.key.algorithm, kid: o.kid }))
  const signingInput = `${header}.${base64urlEncodeText(claims)}`
  const bytes = signatureLength(o.key.publicJwk)
  try {
    if (signingInput.length + 1 + Math.ceil((bytes * 4) / 3) > maxJwsBytes)
      throw invalidToken(o.typ, 'the token is over 6 KiB')
    checkClaims(draftToken({ typ: o.typ, alg: o.key.algorithm, kid: o.kid, claims }))
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : 'its claims are wrong'
    throw new TypeError(`the token would be refused: ${reason}`, { cause })
  }
  const signature = await o.key.sign(asciiBytes(signingInput))
  // A KMS that answers in DER.
  if (signature.length !== bytes) throw new TypeError('the key signs in another encoding')
  return `${signingInput}.${base64urlEncode(signature)}`
}

/** Reads the claims as their receiver would at the moment of issue. */
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
      throw new TypeError('identity scopes never stand in scope; their claims do')
  }
}
