import { ed25519 } from '@noble/curves/ed25519.js'
import { p256 } from '@noble/curves/nist.js'
import { hmac } from '@noble/hashes/hmac.js'
import { sha1 } from '@noble/hashes/legacy.js'
import { sha256, sha384, sha512 } from '@noble/hashes/sha2.js'

// What tests use of `node:crypto` to sign by themselves, for browsers: as independent of the code under test as the original.

const hashes = { sha1, sha256, sha384, sha512 } as const

interface PrivateKey {
  readonly crv: 'Ed25519' | 'P-256'
  readonly secret: Uint8Array
  export(): object
}

/** Node's own, in part. */
export interface Digest {
  update(data: Uint8Array | string): Digest
  digest(): Buffer
  digest(encoding: BufferEncoding): string
}

interface State {
  update(data: Uint8Array): unknown
  digest(): Uint8Array
}

function hashOf(name: string): (typeof hashes)[keyof typeof hashes] {
  return hashes[name.replace('-', '') as keyof typeof hashes]
}

function digestOver(state: State): Digest {
  function digest(): Buffer
  function digest(encoding: BufferEncoding): string
  function digest(encoding?: BufferEncoding): Buffer | string {
    const bytes = Buffer.from(state.digest())
    return encoding === undefined ? bytes : bytes.toString(encoding)
  }
  const self: Digest = {
    update(data) {
      state.update(Uint8Array.from(typeof data === 'string' ? Buffer.from(data) : data))
      return self
    },
    digest,
  }
  return self
}

export function createHash(name: string): Digest {
  return digestOver(hashOf(name).create())
}

export function createHmac(name: string, key: Uint8Array): Digest {
  return digestOver(hmac.create(hashOf(name), Uint8Array.from(key)))
}

interface PrivateJwk {
  readonly crv?: string
  readonly d?: string
}

export function createPrivateKey({ key }: { readonly key: PrivateJwk }): PrivateKey {
  if (key.crv !== 'Ed25519' && key.crv !== 'P-256') throw new TypeError('a key tests do not use in browsers')
  return { crv: key.crv, secret: Uint8Array.from(Buffer.from(key.d ?? '', 'base64url')), export: () => key }
}

interface RsaKey {
  readonly n: Uint8Array
  readonly e: Uint8Array
  export(): { readonly kty: 'RSA'; readonly n: string; readonly e: string }
}

/** The INTEGERs of a DER encoding, in order; of the other types only those that hold something matter here. */
function integersOf(der: Uint8Array): Uint8Array[] {
  const found: Uint8Array[] = []
  for (let at = 0; at < der.length; ) {
    const tag = der[at]
    let length = der[at + 1] ?? 0
    at += 2
    if (length > 0x80) {
      const octets = length - 0x80
      length = der.subarray(at, at + octets).reduce((sum, octet) => sum * 256 + octet, 0)
      at += octets
    }
    const content = der.subarray(at, at + length)
    if (tag === 0x30) found.push(...integersOf(content))
    if (tag === 0x03) found.push(...integersOf(content.subarray(1)))
    if (tag === 0x02) found.push(content.subarray(content[0] === 0 ? 1 : 0))
    at += length
  }
  return found
}

/** An RSA public key in PEM. */
export function createPublicKey(pem: string): RsaKey {
  const [n, e] = integersOf(Uint8Array.from(Buffer.from(pem.replace(/-----[^-]+-----|\s/g, ''), 'base64')))
  if (n === undefined || e === undefined) throw new TypeError('a key tests do not use in browsers')
  const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64url')
  return { n, e, export: () => ({ kty: 'RSA', n: text(n), e: text(e) }) }
}

const numberOf = (bytes: Uint8Array): bigint => BigInt(`0x${Buffer.from(bytes).toString('hex')}`)

/** RSASSA-PKCS1-v1_5 with SHA-256: RFC 8017 §8.2.2. */
export function verify(hash: string, data: Uint8Array, key: RsaKey, signature: Uint8Array): boolean {
  if (hash !== 'sha256') throw new TypeError('a hash tests do not use in browsers')
  const n = numberOf(key.n)
  let message = 1n
  for (const bit of numberOf(key.e).toString(2)) {
    message = (message * message) % n
    if (bit === '1') message = (message * numberOf(signature)) % n
  }
  const suffix = `003031300d060960864801650304020105000420${createHash(hash).update(data).digest('hex')}`
  const expected = `0001${suffix.padStart(key.n.length * 2 - 4, 'f')}`
  return signature.length === key.n.length && message.toString(16).padStart(expected.length, '0') === expected
}

type Signer = PrivateKey | { readonly key: PrivateKey; readonly dsaEncoding?: 'der' | 'ieee-p1363' }

export function sign(hash: string | null, data: Uint8Array, signer: Signer): Buffer {
  const { key, dsaEncoding = 'der' } = 'key' in signer ? signer : { key: signer }
  const bytes = Uint8Array.from(data)
  if (key.crv === 'Ed25519') return Buffer.from(ed25519.sign(bytes, key.secret))
  if (hash !== 'sha256') throw new TypeError('a hash tests do not use in browsers')
  const format = dsaEncoding === 'der' ? 'der' : 'compact'
  return Buffer.from(p256.sign(bytes, key.secret, { lowS: false, format }))
}
