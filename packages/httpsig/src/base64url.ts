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

// Bytes that no caller ever sees: memory of its own for each of more than 64 costs more than coding them.
const scratch = new Uint8Array(8192)

function room(length: number): Uint8Array {
  return length <= scratch.length ? scratch.subarray(0, length) : new Uint8Array(length)
}

function encode(bytes: Uint8Array, alphabet: Uint8Array): string {
  const codes = room(Math.ceil((bytes.length * 4) / 3))
  const letter = (sextet: number): number => alphabet[sextet & 63] ?? 0
  let out = 0
  for (let at = 0; at < bytes.length; at += 3) {
    // Past the end stand zeros, and their letters fall outside `codes`.
    const bits = ((bytes[at] ?? 0) << 16) | ((bytes[at + 1] ?? 0) << 8) | (bytes[at + 2] ?? 0)
    codes[out++] = letter(bits >> 18)
    codes[out++] = letter(bits >> 12)
    codes[out++] = letter(bits >> 6)
    codes[out++] = letter(bits)
  }
  return textOf(codes)
}

function textOf(codes: Uint8Array): string {
  let text = ''
  // In slices, for a call takes only so many arguments; applied, for spreading a view costs four times as much.
  for (let at = 0; at < codes.length; at += 4096)
    text += Reflect.apply(String.fromCharCode, undefined, codes.subarray(at, at + 4096))
  return text
}

/** Bytes in a text of this length. */
function bytesIn(text: string): number {
  return (text.length * 3) >> 2
}

function decode(text: string, values: Int8Array): Uint8Array<ArrayBuffer> | undefined {
  const bytes = new Uint8Array(bytesIn(text))
  return decodeInto(bytes, text, values) ? bytes : undefined
}

/** False when a character is foreign, the length impossible, or unused bits are set. */
function decodeInto(bytes: Uint8Array, text: string, values: Int8Array): boolean {
  const { length } = text
  const tail = length % 4
  if (tail === 1) return false
  const whole = length - tail
  let out = 0
  for (let i = 0; i < whole; i += 4) {
    const bits =
      (sextet(text, i, values) << 18) |
      (sextet(text, i + 1, values) << 12) |
      (sextet(text, i + 2, values) << 6) |
      sextet(text, i + 3, values)
    // A foreign character is -1, which stays negative whatever it is shifted into.
    if (bits < 0) return false
    bytes[out++] = bits >> 16
    bytes[out++] = bits >> 8
    bytes[out++] = bits
  }
  if (tail === 0) return true
  const bits =
    (sextet(text, whole, values) << 12) |
    (sextet(text, whole + 1, values) << 6) |
    (tail === 3 ? sextet(text, whole + 2, values) : 0)
  if (bits < 0 || (bits & (tail === 3 ? 0x3 : 0x3ff)) !== 0) return false
  bytes[out++] = bits >> 10
  if (tail === 3) bytes[out] = bits >> 2
  return true
}

function sextet(text: string, at: number, values: Int8Array): number {
  return values[text.charCodeAt(at)] ?? -1
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

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/**
 * Reads the text whose UTF-8 bytes stand in base64url, as {@link base64urlDecode} reads the bytes; a byte order mark stays.
 * @throws TypeError for what is not canonical base64url or not UTF-8
 * @see RFC 7515 §2
 */
export function base64urlDecodeText(text: string): string {
  const bytes = room(bytesIn(text))
  if (!decodeInto(bytes, text, urlSafeValues)) throw new TypeError('not canonical base64url')
  return utf8.decode(bytes)
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
