import { isInnerList, parseDictionary } from 'structured-headers'
import { base64Encode } from '#base64url'
import { sha256, sha512 } from '#crypto'
import { byteSequence, countMembers } from '../component/structured-field.js'
import { refusal } from '../error.js'
import type { HashName } from './hash.js'

/** The digests of a Content-Digest header that this package can compute. */
export interface ContentDigest {
  readonly sha256?: Uint8Array
  readonly sha512?: Uint8Array
}

const lengthLimit = 4 * 1024

function bytesOf(value: unknown, length: number): Uint8Array {
  const bytes = byteSequence(value)
  if (bytes?.length !== length) throw refusal('digest_malformed')
  return bytes
}

/**
 * Reads a Content-Digest value. It must have sha-256 or sha-512; other algorithms are ignored.
 * @throws HttpSigError `invalid_signature`; 431 above 4 KiB
 * @see protocol §3.4, RFC 9530 §2
 */
export function parseContentDigest(value: string): ContentDigest {
  if (value.length > lengthLimit) throw refusal('header_too_long', { about: 'Content-Digest, 4 KiB' })
  let members: ReturnType<typeof parseDictionary>
  try {
    members = parseDictionary(value)
  } catch (cause) {
    throw refusal('digest_malformed', { about: 'it is no Structured Field Dictionary', cause })
  }
  // The parser keeps the last of two equal members; another reader might keep the first.
  if (countMembers(value) !== members.size) throw refusal('digest_malformed', { about: 'it names an algorithm twice' })
  const digest: { sha256?: Uint8Array; sha512?: Uint8Array } = {}
  for (const [name, member] of members) {
    const item: unknown = isInnerList(member) ? undefined : member[0]
    if (name === 'sha-256') digest.sha256 = bytesOf(item, 32)
    if (name === 'sha-512') digest.sha512 = bytesOf(item, 64)
  }
  // Without a known digest there would be nothing to compare, and any body would pass.
  if (!digest.sha256 && !digest.sha512) throw refusal('digest_unsupported')
  return digest
}

function hasSameBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false
  let difference = 0
  for (let i = 0; i < a.length; i++) difference |= (a[i] ?? 0) ^ (b[i] ?? 0)
  return difference === 0
}

/** Whether `actual` has every digest of `expected` with the same value; false when `expected` has none. */
export function equalDigests(expected: ContentDigest, actual: ContentDigest): boolean {
  if (expected.sha256 && !(actual.sha256 && hasSameBytes(expected.sha256, actual.sha256))) return false
  if (expected.sha512 && !(actual.sha512 && hasSameBytes(expected.sha512, actual.sha512))) return false
  return expected.sha256 !== undefined || expected.sha512 !== undefined
}

/**
 * Whether every digest is the digest of `body`; false when there is none.
 * @see protocol §3.4, RFC 9530 §2
 */
export async function matchesContentDigest(digest: ContentDigest, body: Uint8Array): Promise<boolean> {
  if (digest.sha256 && !hasSameBytes(digest.sha256, await sha256(body))) return false
  if (digest.sha512 && !hasSameBytes(digest.sha512, await sha512(body))) return false
  return digest.sha256 !== undefined || digest.sha512 !== undefined
}

/** Writes a Content-Digest value. */
export function serializeContentDigest(digest: ContentDigest): string {
  const members: string[] = []
  if (digest.sha256) members.push(`sha-256=:${base64Encode(digest.sha256)}:`)
  if (digest.sha512) members.push(`sha-512=:${base64Encode(digest.sha512)}:`)
  return members.join(', ')
}

/** Writes the Content-Digest of a body with sha-256, which every receiver supports. */
export async function writeSha256Digest(body: Uint8Array): Promise<string> {
  return `sha-256=:${base64Encode(await sha256(body))}:`
}

/**
 * Writes the Content-Digest of a body.
 * @param algorithms default sha-256, which every receiver supports
 * @see RFC 9530 §2
 */
export async function writeContentDigest(
  body: Uint8Array,
  algorithms: readonly HashName[] = ['sha-256'],
): Promise<string> {
  if (algorithms.length === 0) throw new TypeError('writeContentDigest needs an algorithm')
  return serializeContentDigest({
    ...(algorithms.includes('sha-256') ? { sha256: await sha256(body) } : {}),
    ...(algorithms.includes('sha-512') ? { sha512: await sha512(body) } : {}),
  })
}
