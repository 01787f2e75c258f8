import type { PublicJwk } from '@countersign/httpsig'
import { checkTimes, confirmationKey, refuseConditions, requiredId } from './claims.js'
import { invalidToken, type ReadClaims } from './token.js'

/**
 * The claims of an agent token (`agent+jwt`): an agent server says that a key is its delegate's.
 * @see protocol.md §5
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
  /** Receivers it is for; absent: anyone. */
  readonly aud?: string | readonly string[]
}

const maxLife = 24 * 3600

/**
 * Checks the claims of a parsed agent token whose signature was verified.
 * @param o `now` in Unix seconds; `receiver` is the identifier of who was shown the token; `expiredGrace` is for how many
 * seconds past `exp` it is still taken (default 0; renewal endpoints only).
 * @throws AAuthError `invalid_agent_token`, or `policy_denied` for a token with conditions.
 * @see protocol.md §5
 */
export function checkAgentToken(
  parsed: ReadClaims,
  o: { readonly now: number; readonly receiver: string; readonly expiredGrace?: number },
): AgentTokenClaims {
  if (parsed.typ !== 'agent+jwt') throw invalidToken('agent+jwt', 'the token is not an agent token')
  const { iat, exp } = checkTimes(parsed, { ...o, maxLife })
  const aud = checkReceivers(parsed, o.receiver)
  const sub = requiredId(parsed, 'sub')
  const jti = requiredId(parsed, 'jti')
  const cnf = confirmationKey(parsed)
  refuseConditions(parsed)
  return { iss: parsed.iss, sub, cnf, iat, exp, jti, ...(aud !== undefined && { aud }) }
}

function checkReceivers(parsed: ReadClaims, receiver: string): string | readonly string[] | undefined {
  if (!('aud' in parsed.payload)) return undefined
  const aud = parsed.payload['aud']
  if (aud === receiver) return receiver
  if (Array.isArray(aud) && aud.every(entry => typeof entry === 'string') && aud.includes(receiver)) return aud
  throw invalidToken('agent+jwt', 'aud names other receivers', { expected: receiver })
}
