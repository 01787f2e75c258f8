import { hash } from 'node:crypto'

/** The SHA-256 of a text, base64url: what is stored in place of a secret. */
export function sha256(text: string): string {
  return hash('sha256', text, 'base64url')
}
