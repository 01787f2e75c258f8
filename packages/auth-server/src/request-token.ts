import { createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import { AAuthError } from '@countersign/protocol'

/** Seconds a request waits for its user, and an allowed one for its code to be redeemed. @see protocol §6.3 */
export const requestLifetime = 600
export const codeLifetime = 60

/** A request token or device code: 256 random bits, base64url, meaning nothing to anyone but this auth server. */
export function newRequestToken(): string {
  return randomBytes(32).toString('base64url')
}

/** What is stored of a request token or device code. */
export function requestHash(token: string): string {
  return createHash('sha256').update(token).digest('base64url')
}

/** What a user's decision adds to a request token to make its code. */
export function newCodeSecret(): string {
  return randomBytes(32).toString('base64url')
}

/**
 * The code of a request that was allowed. Whoever has only the request token (the agent, before the user came back) or only
 * the database cannot make it; and a browser that sends its decision again gets the same code, not a second one.
 */
export function codeOf(requestToken: string, secret: string): string {
  return createHmac('sha256', secret).update(requestToken).digest('base64url')
}

/** Compares a presented code with the one it should be. */
export function isCode(code: string, expected: string): boolean {
  const [a, b] = [Buffer.from(code), Buffer.from(expected)]
  return a.length === b.length && timingSafeEqual(a, b)
}

/** What a grant remembers of how it came about. No two lists have the same hash. */
export function redemptionHash(parts: readonly string[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('base64url')
}

/** One text for every cause: whether a code is unknown, used or someone else's is nobody's business. */
export function refusedCode(): AAuthError {
  return new AAuthError('invalid_grant', 'the code is unknown, used, expired, or not of this caller and request')
}
