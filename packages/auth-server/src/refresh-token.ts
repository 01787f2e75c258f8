import { createHash, randomBytes } from 'node:crypto'

/** A refresh token: 256 random bits, base64url, meaning nothing to anyone but this auth server. */
export function newRefreshToken(): string {
  return randomBytes(32).toString('base64url')
}

/** What is stored of a refresh token. */
export function refreshTokenHash(token: string): string {
  return createHash('sha256').update(token).digest('base64url')
}
