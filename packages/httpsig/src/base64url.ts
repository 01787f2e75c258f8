const standard = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'
const urlSafe = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
const standardCodes = codesOf(standard)
const urlSafeCodes = codesOf(urlSafe)
const standardValues = valuesOf(standard)
const urlSafeValues = valuesOf(urlSafe)

function codesOf(alphabet: string): Uint8Array {
  return Uint8Array.from(alphabet, letter => letter.charCodeAt(0))
}

function valuesOf(alphabet: string): Int8Array {
  const values = new Int8Array(128).fill(-1)
  for (let i = 0; i < 64; i++) values[alphabet.charCodeAt(i)] = i
  return values
}

function encode(bytes: Uint8Array, alphabet: Uint8Array): string {
  const codes = new Uint8Array(Math.ceil((bytes.length * 4) / 3))
  let out = 0
  let bits = 0
  let held = 0
  for (const byte of bytes) {
    bits = ((bits << 8) | byte) & 0xffff
    held += 8
    while (held >= 6) {
      held -= 6
      codes[out++] = alphabet[(bits >> held) & 63] ?? 0
    }
  }
  if (held > 0) codes[out] = alphabet[(bits << (6 - held)) & 63] ?? 0
  let text = ''
  // In slices, for a call takes only so many arguments.
  for (let at = 0; at < codes.length; at += 4096) text += String.fromCharCode(...codes.subarray(at, at + 4096))
  return text
}

/** The bytes, or undefined when a character is foreign, the length impossible, or unused bits are set. */
function decode(text: string, values: Int8Array): Uint8Array<ArrayBuffer> | undefined {
  const tail = text.length % 4
  if (tail === 1) return undefined
  const bytes = new Uint8Array((text.length * 3) >> 2)
  let bits = 0
  let held = 0
  let out = 0
  for (let i = 0; i < text.length; i++) {
    const value = values[text.charCodeAt(i)] ?? -1
    if (value < 0) return undefined
    bits = ((bits << 6) | value) & 0xffff
    held += 6
    if (held >= 8) {
      held -= 8
      bytes[out++] = (bits >> held) & 0xff
    }
  }
  return (bits & ((1 << held) - 1)) === 0 ? bytes : undefined
}

/**
 * Writes bytes as base64url without padding.
 * @see RFC 4648 §5, RFC 7515 §2
 */
export function base64urlEncode(bytes: Uint8Array): string {
  return encode(bytes, urlSafeCodes)
}

/**
 * Reads base64url without padding, in its one canonical spelling.
 * @throws TypeError on padding, foreign characters, or set bits that encode nothing: two spellings of one value would be two identities
 * @see RFC 4648 §5 and §3.5
 */
export function base64urlDecode(text: string): Uint8Array<ArrayBuffer> {
  const bytes = decode(text, urlSafeValues)
  if (bytes === undefined) throw new TypeError('not canonical base64url')
  return bytes
}

/** Writes bytes as padded base64, the form inside a Byte Sequence. */
export function base64Encode(bytes: Uint8Array): string {
  return encode(bytes, standardCodes) + ['', '==', '='][bytes.length % 3]
}

/** Reads padded base64 in its canonical spelling; undefined for anything else. */
export function base64Decode(text: string): Uint8Array<ArrayBuffer> | undefined {
  if (text.length % 4 !== 0) return undefined
  const unpadded = text.endsWith('==') ? text.slice(0, -2) : text.endsWith('=') ? text.slice(0, -1) : text
  return decode(unpadded, standardValues)
}
