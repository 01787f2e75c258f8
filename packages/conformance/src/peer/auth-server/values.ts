import { createHash, randomBytes, randomInt } from 'node:crypto'

/** A text that is not empty. */
export function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== ''
}

/** A text that nobody can guess. */
export function secret(bytes = 32): string {
  return randomBytes(bytes).toString('base64url')
}

/** The hash under which a secret is kept. */
export function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('base64url')
}

/** A code that a user can type in: 8 letters, of 20 that look like no other. */
export function typedCode(): string {
  return Array.from({ length: 8 }, () => 'BCDFGHJKLMNPQRSTVWXZ'[randomInt(20)]).join('')
}
