import { base64urlEncode } from '@countersign/httpsig'

/** 256 bits that nobody guesses: a session, a state, a code. */
export function randomText(): string {
  return base64urlEncode(crypto.getRandomValues(new Uint8Array(32)))
}
