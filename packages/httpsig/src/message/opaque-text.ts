import { base64urlEncode } from '#base64url'
import { sha256 } from '#crypto'

/** 256 random bits as base64url, for sessions, states and codes. */
export function randomText(): string {
  return base64urlEncode(globalThis.crypto.getRandomValues(new Uint8Array(32)))
}

/** SHA-256 of a text's UTF-8 bytes as base64url: recognises a text without storing it. */
export async function textHash(text: string): Promise<string> {
  return base64urlEncode(await sha256(text))
}
