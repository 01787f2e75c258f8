import type { AAuthError } from '@countersign/protocol'
import { refusal } from '@countersign/protocol/internal'
import type { Caller } from '@countersign/verify'
import { available } from '../limit/available.js'
import type { GrantName, RevocationSet } from './revocation-set.js'

/** Seconds after the start of a set within which a token may be of a grant whose end was told before the start: clocks differ. */
const startMargin = 5

/** What requests with revocable tokens are judged by. */
export interface RevocationRules {
  readonly set: RevocationSet
  readonly now: () => number
  /** All participants are on one machine, with one clock. */
  readonly development: boolean
}

/** The first `iat` that a set accepts, Unix seconds; undefined for a set that forgets nothing. */
function firstIat({ set: { since }, development }: RevocationRules): number | undefined {
  if (since === undefined) return undefined
  return development ? Math.floor(since) : since + startMargin
}

/** Seconds until tokens can be new enough for the set; 0 once they are. */
export function secondsUntilReady(rules: RevocationRules): number {
  return Math.max((firstIat(rules) ?? Number.NEGATIVE_INFINITY) - rules.now(), 0)
}

/** The grant that the token of a caller names; undefined where it names none, and cannot be revoked. */
export function grantOf(caller: Caller): GrantName | undefined {
  if (caller.level !== 'authorized' || caller.token.grant === undefined) return undefined
  return { issuer: caller.issuer, grant: caller.token.grant }
}

/**
 * Refuses a request whose token is of a revoked grant, or may be: the token is older than what the set knows.
 * @throws AAuthError `invalid_auth_token`; `temporarily_unavailable`, not processed, where the set cannot be read or has just started
 * @see protocol §6.6
 */
export async function refuseRevoked(caller: Caller, rules: RevocationRules): Promise<undefined> {
  const grant = grantOf(caller)
  if (grant === undefined || caller.level !== 'authorized') return undefined
  if (await available(rules.set.has(grant))) throw revokedError()
  // After the answer, which may say that the set has begun anew.
  refuseOlder(caller.token.iat, rules)
  return undefined
}

/** A set has missed the notices that came before its start: a token revoked then must not be good again (REV-13, F-71). */
function refuseOlder(iat: number, rules: RevocationRules): void {
  const first = firstIat(rules)
  if (first === undefined || iat >= first) return
  const seconds = secondsUntilReady(rules)
  if (seconds > 0) throw refusal('starting', { retryAfter: Math.ceil(seconds), notProcessed: true })
  throw refusal('token_predates_start')
}

function revokedError(): AAuthError {
  return refusal('grant_ended')
}
