import crypto, { createHash } from 'node:crypto'

// Costs a third of a Hash object. Other runtimes that have node:crypto may lack it.
const oneShot = crypto.hash

/** The SHA-256 of a text, base64url: what is stored in place of a secret. */
export function sha256(text: string): string {
  return oneShot ? oneShot('sha256', text, 'base64url') : createHash('sha256').update(text).digest('base64url')
}
