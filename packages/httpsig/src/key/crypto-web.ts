import { base64urlEncode } from '#base64url'
import type { Algorithm } from './algorithm.js'
import type { Cryptography, FreshPair, ImportedPrivate, ImportedPublic } from './cryptography.js'
import type { PrivateJwk, PublicJwk } from './jwk.js'

// The portable half of `#crypto`: nothing but globalThis.crypto.

interface WebAlgorithm {
  readonly key: { readonly name: string; readonly namedCurve?: string; readonly hash?: string }
  readonly operation: { readonly name: string; readonly hash?: string; readonly saltLength?: number }
}

const webAlgorithms: Readonly<Record<Algorithm, WebAlgorithm>> = {
  Ed25519: { key: { name: 'Ed25519' }, operation: { name: 'Ed25519' } },
  ES256: { key: { name: 'ECDSA', namedCurve: 'P-256' }, operation: { name: 'ECDSA', hash: 'SHA-256' } },
  ES384: { key: { name: 'ECDSA', namedCurve: 'P-384' }, operation: { name: 'ECDSA', hash: 'SHA-384' } },
  PS512: { key: { name: 'RSA-PSS', hash: 'SHA-512' }, operation: { name: 'RSA-PSS', saltLength: 64 } },
}

/** Further parameters for generating an RSA key. */
const rsaSize = { modulusLength: 3072, publicExponent: Uint8Array.of(1, 0, 1) }

const encoder = new TextEncoder()

// WebCrypto's types want a view of an ArrayBuffer; a view of shared memory is copied.
function ownBytes(data: Uint8Array): Uint8Array<ArrayBuffer> {
  return data.buffer instanceof ArrayBuffer ? (data as Uint8Array<ArrayBuffer>) : new Uint8Array(data)
}

async function digest(name: string, data: Uint8Array | string): Promise<Uint8Array> {
  return new Uint8Array(
    await globalThis.crypto.subtle.digest(name, typeof data === 'string' ? encoder.encode(data) : ownBytes(data)),
  )
}

function withoutAlg(jwk: PublicJwk): JsonWebKey {
  // Without alg: some runtimes only accept EdDSA for Ed25519.
  const { alg, ...members } = jwk
  return members
}

export const ascii: Cryptography['ascii'] = text => encoder.encode(text)

export const sha256: Cryptography['sha256'] = data => digest('SHA-256', data)

export const withThumbprint: Cryptography['withThumbprint'] = async (key, members) => ({
  ...key,
  thumbprint: base64urlEncode(await sha256(members(key.publicJwk))),
})

export const sha512: Cryptography['sha512'] = data => digest('SHA-512', data)

export const random16: Cryptography['random16'] = () =>
  base64urlEncode(globalThis.crypto.getRandomValues(new Uint8Array(16)))

export const importPublic: Cryptography['importPublic'] = async (jwk: PublicJwk): Promise<ImportedPublic> => {
  const { key: params, operation } = webAlgorithms[jwk.alg]
  const key = await globalThis.crypto.subtle.importKey('jwk', withoutAlg(jwk), params, false, ['verify'])
  return {
    verify: (data, signature) => globalThis.crypto.subtle.verify(operation, key, ownBytes(signature), ownBytes(data)),
  }
}

export const importPrivate: Cryptography['importPrivate'] = async (jwk: PrivateJwk): Promise<ImportedPrivate> => {
  const algorithm = webAlgorithms[jwk.alg]
  return signerOf(
    await globalThis.crypto.subtle.importKey('jwk', withoutAlg(jwk), algorithm.key, false, ['sign']),
    algorithm,
  )
}

async function keyPair(algorithm: Algorithm, extractable: boolean): Promise<CryptoKeyPair> {
  const { key: params } = webAlgorithms[algorithm]
  const size = algorithm === 'PS512' ? rsaSize : {}
  const pair = await globalThis.crypto.subtle.generateKey({ ...params, ...size }, extractable, ['sign', 'verify'])
  if (!('privateKey' in pair)) throw new TypeError('the runtime made no key pair')
  return pair
}

/** A key as JWK. `parsePublicJwk` drops the other members that a runtime adds. */
async function exportJwk<T>(key: CryptoKey, alg: Algorithm): Promise<T> {
  const { ext, key_ops, ...members } = await globalThis.crypto.subtle.exportKey('jwk', key)
  return { ...members, alg } as T
}

const signerOf = (key: CryptoKey, { operation }: WebAlgorithm): ImportedPrivate => ({
  sign: async data => new Uint8Array(await globalThis.crypto.subtle.sign(operation, key, ownBytes(data))),
})

/** A pair whose private part cannot be exported. */
export const freshPair = (algorithm: Algorithm): Promise<CryptoKeyPair> => keyPair(algorithm, false)

/** A pair, made ready to sign. */
export async function openPair({ privateKey, publicKey }: CryptoKeyPair, algorithm: Algorithm): Promise<FreshPair> {
  return { jwk: await exportJwk(publicKey, algorithm), ...signerOf(privateKey, webAlgorithms[algorithm]) }
}

export const generatePair: Cryptography['generatePair'] = async algorithm =>
  openPair(await freshPair(algorithm), algorithm)

export const generate: Cryptography['generate'] = async algorithm =>
  exportJwk((await keyPair(algorithm, true)).privateKey, algorithm)
