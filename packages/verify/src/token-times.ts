import { invalidToken } from '@countersign/protocol/internal'
import type { Caller } from './caller.js'
import type { VerifiedToken } from './verified-tokens.js'

/** A moment at which a token is judged. */
export interface TokenTime {
  /** Unix seconds. */
  readonly now: number
  /** Seconds past `exp` during which an agent token is still accepted. */
  readonly grace: number
}

/** Tells whether a token is accepted at this time. */
export function isTimely(token: Pick<VerifiedToken, 'typ' | 'notBefore' | 'exp'>, { now, grace }: TokenTime): boolean {
  return now >= token.notBefore && now < token.exp + (token.typ === 'agent+jwt' ? grace : 0) // token.times
}

/** Refuses a caller whose token has expired while its body arrived. @throws AAuthError */
export function checkStillTimely(caller: Caller, { now, grace }: TokenTime): void {
  if (!('token' in caller) || caller.token === undefined) return
  const typ = caller.level === 'authorized' ? 'auth+jwt' : 'agent+jwt'
  const { iat, exp } = caller.token
  if (!isTimely({ typ, notBefore: iat - 60, exp }, { now, grace }))
    throw invalidToken('token_expired', { typ, cause: { exp, now } })
}
