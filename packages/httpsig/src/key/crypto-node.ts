import crypto, {
  constants,
  createECDH,
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPair,
  type JsonWebKeyInput,
  type KeyObject,
  randomBytes,
  randomFillSync,
  type SignKeyObjectInput,
  sign,
  type VerifyKeyObjectInput,
  verify,
} from 'node:crypto'
import type { Algorithm } from './algorithm.js'
import { base64urlEncode } from './base64url-node.js'
import type { Cryptography, ImportedPrivate, ImportedPublic } from './cryptography.js'
import type { PrivateJwk, PublicJwk } from './jwk.js'
import { sodiumFor } from './sodium.js'

// The Node half of `#crypto`. A KeyObject of node:crypto is faster than a CryptoKey, and hashes are synchronous.

const hashes: Readonly<Record<Algorithm, 'sha256' | 'sha384' | 'sha512' | null>> = {
  Ed25519: null,
  ES256: 'sha256',
  ES384: 'sha384',
  PS512: 'sha512',
}

export const ascii: Cryptography['ascii'] = text => Buffer.from(text, 'latin1')

const randomPool = Buffer.alloc(4096)
let randomUsed = randomPool.length

export const random16: Cryptography['random16'] = () => {
  // One call fills a pool: a call per nonce would cost more than everything else in signing but the signature.
  if (randomUsed === randomPool.length) {
    randomFillSync(randomPool)
    randomUsed = 0
  }
  const from = randomUsed
  randomUsed += 16
  return randomPool.toString('base64url', from, randomUsed)
}

// Costs a third of a Hash object. Other runtimes that have node:crypto may lack it.
const oneShot = (crypto as { readonly hash?: typeof crypto.hash }).hash

function digest(algorithm: 'sha256' | 'sha512', data: Uint8Array | string): Uint8Array {
  // Into the memory that small buffers share: memory of its own would cost as much as the hash of a short text. No digest leaves
  // this package as bytes.
  return oneShot
    ? Buffer.from(oneShot(algorithm, data, 'binary'), 'binary')
    : createHash(algorithm).update(data).digest()
}

export const sha256: Cryptography['sha256'] = async data => digest('sha256', data)

export const withThumbprint: Cryptography['withThumbprint'] = async ({ algorithm, publicJwk, verify }, members) => {
  let thumbprint: string | undefined
  return {
    algorithm,
    publicJwk,
    get thumbprint() {
      thumbprint ??= base64urlEncode(digest('sha256', members(publicJwk)))
      return thumbprint
    },
    verify,
  }
}

export const sha512: Cryptography['sha512'] = async data => digest('sha512', data)

function withoutAlg(jwk: PublicJwk): JsonWebKeyInput['key'] {
  const { alg, ...members } = jwk
  return { ...members }
}

/** The key argument of `verify` and `sign`: a bare KeyObject if possible, since an options object costs several microseconds. */
function operand(key: KeyObject, algorithm: Algorithm): KeyObject | (VerifyKeyObjectInput & SignKeyObjectInput) {
  if (algorithm === 'Ed25519') return key
  if (algorithm !== 'PS512') return { key, dsaEncoding: 'ieee-p1363' }
  // The exact salt length: by default Node accepts whatever length the signature has. MGF1 uses the same hash.
  return { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 64 }
}

/**
 * Ed25519 and ES256 take as long as the way to libuv's pool and back, or a few times as long; the others up to a thousand times, and
 * would block other requests.
 */
function isQuick(algorithm: Algorithm): boolean {
  return algorithm === 'Ed25519' || algorithm === 'ES256'
}

// Module state, because the thread pool belongs to the process.
let place: 'pool' | 'caller' = 'caller'

/**
 * Sets where signatures of Ed25519 and ES256 are verified, in the whole process: on the calling thread (`caller`, the default), or on
 * libuv's `pool` and so on any free core. The pool costs each verification a few percent more CPU and some latency: use it in a process
 * that does little else and serves many requests at once. These two always sign on the calling thread, since the way to the pool takes
 * as long as a signature; other algorithms always use the pool.
 */
export function verifyOn(where: 'pool' | 'caller'): void {
  place = where
}

type Outcome<T> = (error: Error | null, value: T) => void

function onPool<T>(begin: (done: Outcome<T>) => void): Promise<T> {
  return new Promise((resolve, reject) => begin((error, value) => (error ? reject(error) : resolve(value))))
}

export const importPublic: Cryptography['importPublic'] = async jwk =>
  jwk.kty === 'OKP' ? ed25519Public(jwk) : opened(jwk)

function opened(jwk: PublicJwk): ImportedPublic {
  const key = operand(createPublicKey({ format: 'jwk', key: withoutAlg(jwk) }), jwk.alg)
  const hash = hashes[jwk.alg]
  const verifyHere: ImportedPublic['verify'] = async (data, signature) => verify(hash, data, key, signature)
  return {
    verify: (data, signature) =>
      place === 'caller' && isQuick(jwk.alg)
        ? verifyHere(data, signature)
        : onPool(done => verify(hash, data, key, signature, done)),
  }
}

/** Under the library that is chosen when it is asked: `ed25519With` holds for keys that were imported before it, too. */
function ed25519Public(jwk: PublicJwk & { readonly kty: 'OKP' }): ImportedPublic {
  const publicKey = Buffer.from(jwk.x, 'base64url')
  const byNode = opened(jwk)
  return {
    verify(data, signature) {
      const sodium = sodiumFor(data)
      return sodium === undefined ? byNode.verify(data, signature) : sodium.verify(signature, data, publicKey)
    },
  }
}

export const importPrivate: Cryptography['importPrivate'] = async (jwk): Promise<ImportedPrivate> => {
  const key = createPrivateKey({ format: 'jwk', key: withoutAlg(jwk) })
  const how = operand(key, jwk.alg)
  const hash = hashes[jwk.alg]
  if (!isQuick(jwk.alg)) return { sign: data => onPool(done => sign(hash, data, how, done)) }
  const signHere = jwk.alg === 'Ed25519' ? ed25519Signer(key) : (data: Uint8Array): Uint8Array => sign(hash, data, how)
  return { sign: async data => signHere(data) }
}

function ed25519Signer(key: KeyObject): (data: Uint8Array) => Uint8Array {
  let secretKey: Uint8Array | undefined
  return data => {
    const sodium = sodiumFor(data)
    if (sodium === undefined) return sign(null, data, key)
    secretKey ??= secretKeyOf(key)
    return sodium.sign(data, secretKey)
  }
}

/** The seed and its public key, which OpenSSL computes from the seed: two signatures under another one would reveal the key. */
function secretKeyOf(key: KeyObject): Uint8Array {
  const { d = '', x = '' } = key.export({ format: 'jwk' })
  return Buffer.concat([Buffer.from(d, 'base64url'), Buffer.from(x, 'base64url')])
}

// DER up to the 32 bytes of an Ed25519 private key (RFC 8410 §7).
const ed25519Pkcs8 = Buffer.from('302e020100300506032b657004220420', 'hex')

function ed25519(): PrivateJwk {
  const seed = randomBytes(32)
  const privateKey = createPrivateKey({ format: 'der', type: 'pkcs8', key: Buffer.concat([ed25519Pkcs8, seed]) })
  const { x = '' } = createPublicKey(privateKey).export({ format: 'jwk' })
  return { kty: 'OKP', crv: 'Ed25519', alg: 'Ed25519', x, d: seed.toString('base64url') }
}

function onCurve(curve: 'prime256v1' | 'secp384r1', length: number): Record<'x' | 'y' | 'd', string> {
  const pair = createECDH(curve)
  const point = pair.generateKeys()
  // Node drops leading zero bytes of the private value; a JWK keeps them.
  const d = Buffer.concat([Buffer.alloc(length), pair.getPrivateKey()]).subarray(-length)
  return {
    x: point.subarray(1, 1 + length).toString('base64url'),
    y: point.subarray(1 + length).toString('base64url'),
    d: d.toString('base64url'),
  }
}

async function rsa(): Promise<PrivateJwk> {
  const privateKey = await new Promise<KeyObject>((resolve, reject) => {
    generateKeyPair(
      'rsa',
      {
        modulusLength: 3072,
        publicExponent: 65537,
        publicKeyEncoding: { format: 'der', type: 'spki' },
        privateKeyEncoding: { format: 'der', type: 'pkcs8' },
      },
      // Imported from DER as a new key, which shares no lock with the job that made the pair (see below).
      (error, _, der) =>
        error ? reject(error) : resolve(createPrivateKey({ format: 'der', type: 'pkcs8', key: der })),
    )
  })
  const { n = '', e = '', d = '', p = '', q = '', dp = '', dq = '', qi = '' } = privateKey.export({ format: 'jwk' })
  return { kty: 'RSA', alg: 'PS512', n, e, d, p, q, dp, dq, qi }
}

// Never a KeyObject of generateKeyPair: exporting it as JWK locks the key, and if the garbage collector finishes the job that made
// the pair at that moment, the job locks it again. Node 20 then hangs forever.
export const generate: Cryptography['generate'] = async algorithm => {
  switch (algorithm) {
    case 'Ed25519':
      return ed25519()
    case 'ES256':
      return { kty: 'EC', crv: 'P-256', alg: 'ES256', ...onCurve('prime256v1', 32) }
    case 'ES384':
      return { kty: 'EC', crv: 'P-384', alg: 'ES384', ...onCurve('secp384r1', 48) }
    case 'PS512':
      return rsa()
  }
}

export const generatePair: Cryptography['generatePair'] = async algorithm => {
  const jwk = await generate(algorithm)
  return { jwk, ...(await importPrivate(jwk)) }
}
