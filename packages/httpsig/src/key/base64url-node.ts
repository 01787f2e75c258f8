import { Buffer } from 'node:buffer'

// The Node half of `#base64url`: a Buffer is ten times as fast as TextEncoder, btoa or any loop.

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

function encode(bytes: Uint8Array, alphabet: 'base64' | 'base64url'): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString(alphabet)
}

/** Decodes with Node's lenient reader. @throws TypeError unless the bytes encode to exactly `text` */
function decode(text: string): Buffer {
  const bytes = Buffer.from(text, 'base64url')
  if (bytes.toString('base64url') !== text) throw new TypeError('not canonical base64url')
  return bytes
}

/**
 * Writes bytes as base64url without padding.
 * @see RFC 4648 §5, RFC 7515 §2
 */
export function base64urlEncode(bytes: Uint8Array): string {
  return encode(bytes, 'base64url')
}

/**
 * Writes a text's UTF-8 bytes as base64url without padding.
 * @see RFC 7515 §2
 */
export function base64urlEncodeText(text: string): string {
  return Buffer.from(text).toString('base64url')
}

/**
 * Reads base64url without padding, in its one canonical spelling.
 * @throws TypeError for padding, other characters, or set bits that encode nothing: two spellings of one value would be two identities
 * @see RFC 4648 §5 and §3.5
 */
export function base64urlDecode(text: string): Uint8Array<ArrayBuffer> {
  // A copy: a Buffer may share its memory with other data, which a caller could pass on by accident.
  return new Uint8Array(decode(text))
}

/**
 * Reads text from the base64url of its UTF-8 bytes, as strictly as {@link base64urlDecode}. A byte order mark is kept.
 * @throws TypeError for text that is not canonical base64url, or bytes that are not UTF-8
 * @see RFC 7515 §2
 */
export function base64urlDecodeText(text: string): string {
  const bytes = decode(text)
  const read = bytes.toString('utf8')
  // Invalid UTF-8 was read as U+FFFD, which valid text may also have: only the strict decoder can tell.
  return read.includes('\ufffd') ? utf8.decode(bytes) : read
}

/** Writes bytes as padded base64, as in a Byte Sequence. */
export function base64Encode(bytes: Uint8Array): string {
  return encode(bytes, 'base64')
}
