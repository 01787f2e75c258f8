import { base64urlDecode } from '#base64url'

/** The bytes of a member of a JWK in canonical base64url; undefined for all else. Text of more than `most` bytes is not decoded. */
export function memberBytes(value: unknown, most: number): Uint8Array | undefined {
  if (typeof value !== 'string' || value.length > Math.ceil((most * 4) / 3)) return undefined
  try {
    return base64urlDecode(value)
  } catch {
    return undefined
  }
}

/** The number that bytes stand for, big endian. There must be one byte at least. */
export function integer(bytes: Uint8Array): bigint {
  let hex = '0x'
  for (const byte of bytes) hex += byte.toString(16).padStart(2, '0')
  return BigInt(hex)
}
