import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import type { AAuthError } from '@countersign/protocol'
import { refusal } from '@countersign/protocol/internal'
import { sha256 } from './sha256.js'

/** Seconds a request waits for its user, and an allowed one for its code to be redeemed. @see protocol §6.3 */
export const requestLifetime = 600
export const codeLifetime = 60

/** A request token or device code: 256 random bits, base64url, opaque to callers. */
export function newRequestToken(): string {
  return randomBytes(32).toString('base64url')
}

/** The hash of a request token or device code, which is stored in its place. */
export function requestHash(token: string): string {
  return sha256(token)
}

/** The secret that a user's decision adds to a request token; together they make the code. */
export function newCodeSecret(): string {
  return randomBytes(32).toString('base64url')
}

/**
 * The code of an allowed request. It needs both the request token and the secret: the agent cannot make it before its user comes
 * back, and neither can a thief of the database. A browser that sends its decision again gets the same code, not a second one.
 */
export function codeOf(requestToken: string, secret: string): string {
  return createHmac('sha256', secret).update(requestToken).digest('base64url')
}

/** Compares a presented code with the one it should be. */
export function isCode(code: string, expected: string): boolean {
  const [a, b] = [Buffer.from(code), Buffer.from(expected)]
  return a.length === b.length && timingSafeEqual(a, b)
}

/** One hash of a list of texts; different lists have different hashes. */
export function redemptionHash(parts: readonly string[]): string {
  return sha256(JSON.stringify(parts))
}

/** One text for every cause: a caller must not learn that another agent has this code. */
export function codeRefusal(): AAuthError {
  return refusal('grant_invalid')
}
