import {
  checkSingleAudience,
  checkTimes,
  isThumbprint,
  optionalAgentDelegate,
  optionalId,
  optionalScope,
  refuseConditions,
  requiredId,
  requiredIdentifier,
} from './claims.js'
import { invalidToken, type ReadClaims } from './token.js'

/**
 * The claims of a resource token (`resource+jwt`): a resource says which agent, under which key, needs which scope.
 * @see protocol.md §5
 */
export interface ResourceTokenClaims {
  /** The resource identifier. */
  readonly iss: string
  /** The auth server it is for. */
  readonly aud: string
  /** The agent it was issued to. */
  readonly agent: string
  /** The delegate it was issued to, if it was one. */
  readonly agent_delegate?: string
  /** RFC 7638 SHA-256 thumbprint of the key that signed the request it answers. */
  readonly agent_jkt: string
  readonly scope: string
  /** Unix seconds. */
  readonly iat: number
  /** Unix seconds; at most 10 min after `iat`. */
  readonly exp: number
  readonly jti: string
  /** Follows one user action across parties. */
  readonly txn?: string
}

const maxLife = 600

/**
 * Checks the claims of a parsed resource token whose signature was verified. Whether `agent`, `agent_delegate` and
 * `agent_jkt` are the caller's is for who knows the caller.
 * @param o `now` in Unix seconds; `audience` is the issuer it must be for.
 * @throws AAuthError `invalid_resource_token`, or `policy_denied` for a token with conditions.
 * @see protocol.md §5 and §6.2
 */
export function checkResourceToken(
  parsed: ReadClaims,
  o: { readonly now: number; readonly audience: string },
): ResourceTokenClaims {
  if (parsed.typ !== 'resource+jwt') throw invalidToken('resource+jwt', 'the token is not a resource token')
  const { iat, exp } = checkTimes(parsed, { now: o.now, maxLife })
  const aud = checkSingleAudience(parsed, o.audience)
  const agent = requiredIdentifier(parsed, 'agent')
  const delegate = optionalAgentDelegate(parsed)
  const agent_jkt = parsed.payload['agent_jkt']
  if (!isThumbprint(agent_jkt)) throw invalidToken(parsed.typ, 'agent_jkt must be a SHA-256 thumbprint in base64url')
  const scope = requestedScope(parsed)
  const jti = requiredId(parsed, 'jti')
  const txn = optionalId(parsed, 'txn')
  refuseConditions(parsed)
  return {
    iss: parsed.iss,
    aud,
    agent,
    ...delegate,
    agent_jkt,
    scope,
    iat,
    exp,
    jti,
    ...(txn !== undefined && { txn }),
  }
}

function requestedScope(parsed: ReadClaims): string {
  // Auth request documents (§6.5) do not exist here yet, so the second of the two ways to ask is refused too.
  if ('auth_request_url' in parsed.payload) throw invalidToken(parsed.typ, 'auth_request_url is not supported')
  const scope = optionalScope(parsed)
  if (scope === undefined) throw invalidToken(parsed.typ, 'scope is missing')
  return scope
}
