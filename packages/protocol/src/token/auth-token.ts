import type { PublicJwk } from '@countersign/httpsig'
import { offPage } from '../internal/check-options.js'
import { isIdentifier } from '../term/identifier.js'
import { isWords } from '../term/name.js'
import {
  checkSingleAudience,
  checkTimes,
  confirmationKey,
  isGrantName,
  isSafeId,
  isThumbprint,
  optionalAgentDelegate,
  optionalClaim,
  optionalId,
  optionalScope,
  refuseConditions,
  requiredId,
  requiredIdentifier,
} from './claims.js'
import { isObject } from './jws.js'
import { invalidToken, type ReadClaims } from './token.js'

/** Who acted before: one hop of the chain an auth token went through, the latest outermost. @see protocol §7 */
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
 * @see protocol §5
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
  /** Names the grant, so that its issuer can revoke it at the resource: 1–64 of `A-Z a-z 0-9 - _`. @see protocol §6.6 */
  readonly grant?: string
  /** What the user or operator allowed it for: names, space-separated. @see protocol §9 */
  readonly purposes?: string
  /** Under which conditions the grant holds: a list, not yet read. @see protocol §9 */
  readonly constraints?: unknown
  /** The one request that a user has approved: base64url SHA-256. @see protocol §9.4 */
  readonly operation_digest?: string
  readonly [claim: string]: unknown
}

const maxLife = 3600
const maxActDepth = 5

/**
 * Checks the claims of a parsed auth token whose signature was verified and whose issuer is trusted.
 * Where `agent` is absent, the agent is the audience.
 * @param o `now` in Unix seconds; `audience` the resource that the token must be for.
 * Its conditions are for `parseConditions`: a token whose conditions are ignored would allow more.
 * @throws AAuthError `invalid_auth_token`, or `policy_denied` for a token with `delegation`
 * @see protocol §5
 */
// unchecked options o: all members are required, and one that is missing refuses everything
export function checkAuthToken(
  parsed: ReadClaims,
  o: { readonly now: number; readonly audience: string },
): AuthTokenClaims {
  if (parsed.typ !== 'auth+jwt') throw invalidToken('token_type_wrong', { typ: 'auth+jwt' }, 'auth+jwt')
  const { iat, exp } = checkTimes(parsed, { now: o.now, maxLife })
  const aud = checkSingleAudience(parsed, o.audience)
  // One caller, one spelling: an agent that is the audience is written by leaving `agent` out.
  if ('agent' in parsed.payload && requiredIdentifier(parsed, 'agent') === aud)
    throw invalidToken('token_claim_malformed', parsed, offPage && 'agent must be absent when it is the audience')
  optionalAgentDelegate(parsed)
  const sub = optionalId(parsed, 'sub')
  const scope = optionalScope(parsed)
  if (sub === undefined && scope === undefined)
    throw invalidToken('token_claim_missing', parsed, offPage && 'scope or sub must be present')
  const jti = requiredId(parsed, 'jti')
  optionalId(parsed, 'txn')
  optionalClaim(parsed, 'purpose', value => typeof value === 'string')
  optionalClaim(parsed, 'grant', isGrantName)
  optionalClaim(parsed, 'purposes', isWords)
  optionalClaim(parsed, 'operation_digest', isThumbprint)
  refuseConditions(parsed, 'constraints')
  const cnf = confirmationKey(parsed)
  const act = 'act' in parsed.payload ? readAct(parsed, parsed.payload['act'], 1) : undefined
  return { ...parsed.payload, iss: parsed.iss, aud, cnf, iat, exp, jti, ...(act !== undefined && { act }) }
}

function readAct(parsed: ReadClaims, value: unknown, depth: number): Act {
  if (depth > maxActDepth) throw invalidToken('chain_too_deep', parsed)
  if (!isObject(value)) throw invalidToken('token_claim_malformed', parsed, offPage && 'act must be an object')
  const { iss, agent, agent_delegate, act } = value
  if (!isIdentifier(iss, parsed) || !isIdentifier(agent, parsed))
    throw invalidToken('token_claim_malformed', parsed, offPage && 'act.iss and act.agent must be identifiers')
  if ('agent_delegate' in value && !isSafeId(agent_delegate))
    throw invalidToken(
      'token_claim_malformed',
      parsed,
      offPage && 'act.agent_delegate must be a string of 1 to 512 bytes without controls',
    )
  return {
    iss,
    agent,
    ...(isSafeId(agent_delegate) && { agent_delegate }),
    ...('act' in value && { act: readAct(parsed, act, depth + 1) }),
  }
}
