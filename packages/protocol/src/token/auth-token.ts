import type { PublicJwk } from '@countersign/httpsig'
import { isIdentifier } from '../term/identifier.js'
import {
  checkSingleAudience,
  checkTimes,
  confirmationKey,
  isSafeId,
  optionalAgentDelegate,
  optionalId,
  optionalScope,
  optionalText,
  refuseConditions,
  requiredId,
  requiredIdentifier,
} from './claims.js'
import { isObject } from './jws.js'
import { invalidToken, type ReadClaims } from './token.js'

/** Who acted before: one hop of the chain an auth token went through, the latest outermost. @see protocol.md §7 */
export interface Act {
  /** The issuer that vouched for this hop. */
  readonly iss: string
  readonly agent: string
  readonly agent_delegate?: string
  readonly act?: Act
}

/**
 * The claims of an auth token (`auth+jwt`): an auth server says what an agent may do at a resource, and for whom.
 * Other members are the user's OIDC claims.
 * @see protocol.md §5
 */
export interface AuthTokenClaims {
  /** The auth server. */
  readonly iss: string
  /** The resource. */
  readonly aud: string
  /** The agent; absent when the agent is the audience itself. */
  readonly agent?: string
  readonly agent_delegate?: string
  /** The key the agent signs with. */
  readonly cnf: { readonly jwk: PublicJwk }
  /** Unix seconds. */
  readonly iat: number
  /** Unix seconds; at most 1 h after `iat`. */
  readonly exp: number
  readonly jti: string
  /** The user, unique together with `iss` only. At least one of `sub` and `scope` is there. */
  readonly sub?: string
  readonly scope?: string
  readonly act?: Act
  readonly purpose?: string
  readonly txn?: string
  readonly [claim: string]: unknown
}

const maxLife = 3600
const maxActDepth = 5

/**
 * Checks the claims of a parsed auth token whose signature was verified and whose issuer is trusted.
 * Where `agent` is absent, the agent is the audience.
 * @param o `now` in Unix seconds; `audience` is the resource it must be for.
 * @throws AAuthError `invalid_auth_token`, or `policy_denied` for a token with conditions.
 * @see protocol.md §5
 */
export function checkAuthToken(
  parsed: ReadClaims,
  o: { readonly now: number; readonly audience: string },
): AuthTokenClaims {
  if (parsed.typ !== 'auth+jwt') throw invalidToken('auth+jwt', 'the token is not an auth token')
  const { iat, exp } = checkTimes(parsed, { now: o.now, maxLife })
  const aud = checkSingleAudience(parsed, o.audience)
  // One caller, one spelling: absent is how an agent that is the audience is written.
  if ('agent' in parsed.payload && requiredIdentifier(parsed, 'agent') === aud)
    throw invalidToken(parsed.typ, 'agent must be absent when it is the audience')
  optionalAgentDelegate(parsed)
  const sub = optionalId(parsed, 'sub')
  const scope = optionalScope(parsed)
  if (sub === undefined && scope === undefined) throw invalidToken(parsed.typ, 'scope or sub must be there')
  const jti = requiredId(parsed, 'jti')
  optionalId(parsed, 'txn')
  optionalText(parsed, 'purpose')
  const cnf = confirmationKey(parsed)
  const act = 'act' in parsed.payload ? readAct(parsed, parsed.payload['act'], 1) : undefined
  refuseConditions(parsed)
  return { ...parsed.payload, iss: parsed.iss, aud, cnf, iat, exp, jti, ...(act !== undefined && { act }) }
}

function readAct(parsed: ReadClaims, value: unknown, depth: number): Act {
  if (depth > maxActDepth) throw invalidToken(parsed.typ, 'act is nested deeper than 5')
  if (!isObject(value)) throw invalidToken(parsed.typ, 'act must be an object')
  const { iss, agent, agent_delegate, act } = value
  if (!isIdentifier(iss, parsed) || !isIdentifier(agent, parsed))
    throw invalidToken(parsed.typ, 'act.iss and act.agent must be identifiers')
  if ('agent_delegate' in value && !isSafeId(agent_delegate))
    throw invalidToken(parsed.typ, 'act.agent_delegate must be a string of 1 to 512 bytes without controls')
  return {
    iss,
    agent,
    ...(isSafeId(agent_delegate) && { agent_delegate }),
    ...('act' in value && { act: readAct(parsed, act, depth + 1) }),
  }
}
