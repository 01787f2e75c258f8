import { randomFillSync } from 'node:crypto'
import { sha256 } from '../secret/sha256.js'

/** Seconds a refresh token lives from its last use, and with it a remembered consent. @see protocol §5, §6.3 */
export const refreshTokenLifetime: number = 90 * 86_400

const bytes = 32
const many = 64

/**
 * Makes refresh tokens: 256 random bits each, base64url, opaque to agents. Random bits are drawn for many at once, because each draw
 * costs several microseconds whatever its length, and are wiped once used.
 */
export function refreshTokens(): () => string {
  const drawn = Buffer.alloc(bytes * many)
  let used = drawn.length
  return () => {
    if (used === drawn.length) {
      randomFillSync(drawn)
      used = 0
    }
    const next = drawn.subarray(used, used + bytes)
    used += bytes
    const token = next.toString('base64url')
    next.fill(0)
    return token
  }
}

/** The hash of a refresh token, which is stored in its place. */
export function refreshTokenHash(token: string): string {
  return sha256(token)
}
