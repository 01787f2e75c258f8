import type { PublicJwk } from '@countersign/httpsig'
import { checkTimes, confirmationKey, refuseConditions, requiredId } from './claims.js'
import { invalidToken, type ReadClaims } from './token.js'

/**
 * The claims of an agent token (`agent+jwt`): an agent server states that a key belongs to its delegate.
 * @see protocol §5
 */
export interface AgentTokenClaims {
  /** The agent identifier. */
  readonly iss: string
  /** The delegate: the same across restarts and rotations, unique for its `iss` only. */
  readonly sub: string
  /** The delegate's key. */
  readonly cnf: { readonly jwk: PublicJwk }
  /** Unix seconds. */
  readonly iat: number
  /** Unix seconds; at most 24 h after `iat`. */
  readonly exp: number
  readonly jti: string
  /** Receivers that may accept it; all when absent. */
  readonly aud?: string | readonly string[]
  /** What this delegate may be used for: a list of conditions, not yet read. @see protocol §9 */
  readonly delegation?: unknown
}

const maxLife = 24 * 3600 // token.life

/**
 * Checks the claims of a parsed agent token whose signature was verified.
 * @param o `now` in Unix seconds; `receiver` the identifier of the participant that received the token; `expiredGrace` seconds past
 * `exp` during which it is still accepted (default 0; for renewal endpoints only).
 * Its conditions are for `parseConditions`: a token whose conditions are ignored would allow more.
 * @throws AAuthError `invalid_agent_token`, or `policy_denied` for a token with `constraints`
 * @see protocol §5
 */
// unchecked options o: all members are required, and one that is missing refuses everything
export function checkAgentToken(
  parsed: ReadClaims,
  o: { readonly now: number; readonly receiver: string; readonly expiredGrace?: number },
): AgentTokenClaims {
  if (parsed.typ !== 'agent+jwt') throw invalidToken('token_type_wrong', { typ: 'agent+jwt' }, 'agent+jwt')
  const { iat, exp } = checkTimes(parsed, { ...o, maxLife })
  const aud = checkReceivers(parsed, o.receiver)
  const sub = requiredId(parsed, 'sub')
  const jti = requiredId(parsed, 'jti')
  const cnf = confirmationKey(parsed)
  refuseConditions(parsed, 'delegation') // token.policy
  return {
    iss: parsed.iss,
    sub,
    cnf,
    iat,
    exp,
    jti,
    ...(aud !== undefined && { aud }),
    ...('delegation' in parsed.payload && { delegation: parsed.payload['delegation'] }),
  }
}

function checkReceivers(parsed: ReadClaims, receiver: string): string | readonly string[] | undefined {
  if (!('aud' in parsed.payload)) return undefined
  const aud = parsed.payload['aud']
  if (aud === receiver) return receiver
  if (Array.isArray(aud) && aud.every(entry => typeof entry === 'string') && aud.includes(receiver)) return aud
  throw invalidToken('token_audience_wrong', {
    typ: 'agent+jwt',
    cause: { expected: receiver },
  })
}
