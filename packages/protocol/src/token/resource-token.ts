import { offPage } from '../internal/check-options.js'
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
import { type Operation, parseOperation } from './operation.js'
import { invalidToken, type ReadClaims } from './token.js'

/**
 * The claims of a resource token (`resource+jwt`): a resource states which agent, with which key, needs which scope.
 * @see protocol §5
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
  /** The one request that a user is asked to approve. @see protocol §9.4 */
  readonly operation?: Operation
  /** The user of the auth token presented, as its issuer calls them; with `operation` only: nobody else may approve. */
  readonly sub?: string
}

const maxLife = 600

/**
 * Checks the claims of a parsed resource token whose signature was verified. Whether `agent`, `agent_delegate` and
 * `agent_jkt` are those of the caller must be checked by code that knows the caller.
 * @param o `now` in Unix seconds; `audience` the auth server that the token must be for.
 * @throws AAuthError `invalid_resource_token`, or `policy_denied` for a token with conditions.
 * @see protocol §5 and §6.2
 */
// unchecked options o: all members are required, and one that is missing refuses everything
export function checkResourceToken(
  parsed: ReadClaims,
  o: { readonly now: number; readonly audience: string },
): ResourceTokenClaims {
  if (parsed.typ !== 'resource+jwt') throw invalidToken('token_type_wrong', { typ: 'resource+jwt' }, 'resource+jwt')
  const { iat, exp } = checkTimes(parsed, { now: o.now, maxLife })
  const aud = checkSingleAudience(parsed, o.audience)
  const agent = requiredIdentifier(parsed, 'agent')
  const delegate = optionalAgentDelegate(parsed)
  const agent_jkt = parsed.payload['agent_jkt']
  if (!isThumbprint(agent_jkt))
    throw invalidToken(
      'token_claim_malformed',
      parsed,
      offPage && 'agent_jkt must be a SHA-256 thumbprint in base64url',
    )
  const scope = requestedScope(parsed)
  const jti = requiredId(parsed, 'jti')
  const [txn, sub] = [optionalId(parsed, 'txn'), optionalId(parsed, 'sub')]
  const operation = requestedOperation(parsed)
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
    ...(sub !== undefined && { sub }),
    ...(operation !== undefined && { operation }),
  }
}

function requestedOperation(parsed: ReadClaims): Operation | undefined {
  if (!('operation' in parsed.payload)) return undefined
  const operation = parseOperation(parsed.payload['operation'])
  if (operation === undefined) throw invalidToken('operation_malformed', parsed)
  return operation
}

function requestedScope(parsed: ReadClaims): string {
  // Auth request documents (§6.5) are not implemented, so a token that asks by one is refused.
  if ('auth_request_url' in parsed.payload)
    throw invalidToken('token_claim_malformed', parsed, offPage && 'auth_request_url is not supported')
  const scope = optionalScope(parsed)
  if (scope === undefined) throw invalidToken('token_claim_missing', parsed, offPage && 'scope is missing')
  return scope
}
