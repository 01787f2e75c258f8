const standard = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'
const urlSafe = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
const standardValues = valuesOf(standard)
const urlSafeValues = valuesOf(urlSafe)

function valuesOf(alphabet: string): Int8Array {
  const values = new Int8Array(128).fill(-1)
  for (let i = 0; i < 64; i++) values[alphabet.charCodeAt(i)] = i
  return values
}

function encode(bytes: Uint8Array, alphabet: string): string {
  let text = ''
  const whole = bytes.length - (bytes.length % 3)
  const at = (i: number): number => bytes[i] ?? 0
  const letters = (bits: number, count: number): void => {
    for (let shift = 18; count > 0; shift -= 6, count--) text += alphabet[(bits >> shift) & 63]
  }
  for (let i = 0; i < whole; i += 3) letters((at(i) << 16) | (at(i + 1) << 8) | at(i + 2), 4)
  const rest = bytes.length - whole
  if (rest > 0) letters((at(whole) << 16) | (at(whole + 1) << 8), rest + 1)
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
  return encode(bytes, urlSafe)
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
  return encode(bytes, standard) + ['', '==', '='][bytes.length % 3]
}

/** Reads padded base64 in its canonical spelling; undefined for anything else. */
export function base64Decode(text: string): Uint8Array<ArrayBuffer> | undefined {
  if (text.length % 4 !== 0) return undefined
  const unpadded = text.endsWith('==') ? text.slice(0, -2) : text.endsWith('=') ? text.slice(0, -1) : text
  return decode(unpadded, standardValues)
}
