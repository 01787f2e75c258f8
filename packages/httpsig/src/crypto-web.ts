import type { Algorithm } from './algorithm.js'
import { base64urlEncode } from './base64url.js'
import type { Cryptography, ImportedPrivate, ImportedPublic } from './cryptography.js'
import type { PrivateJwk, PublicJwk } from './jwk.js'

// The portable half of `#crypto`: nothing but globalThis.crypto.

interface WebAlgorithm {
  readonly key: { readonly name: string; readonly namedCurve?: string }
  readonly operation: { readonly name: string; readonly hash?: string }
}

const webAlgorithms: Readonly<Record<Algorithm, WebAlgorithm>> = {
  Ed25519: { key: { name: 'Ed25519' }, operation: { name: 'Ed25519' } },
  ES256: { key: { name: 'ECDSA', namedCurve: 'P-256' }, operation: { name: 'ECDSA', hash: 'SHA-256' } },
}

const encoder = new TextEncoder()

// WebCrypto's types want a view of an ArrayBuffer; a view of shared memory is copied.
function owned(data: Uint8Array): Uint8Array<ArrayBuffer> {
  return data.buffer instanceof ArrayBuffer ? (data as Uint8Array<ArrayBuffer>) : new Uint8Array(data)
}

async function digest(name: string, data: Uint8Array | string): Promise<Uint8Array> {
  return new Uint8Array(
    await globalThis.crypto.subtle.digest(name, typeof data === 'string' ? encoder.encode(data) : owned(data)),
  )
}

function bare(jwk: PublicJwk): JsonWebKey {
  return jwk.kty === 'OKP'
    ? { kty: jwk.kty, crv: jwk.crv, x: jwk.x }
    : { kty: jwk.kty, crv: jwk.crv, x: jwk.x, y: jwk.y }
}

export const ascii: Cryptography['ascii'] = text => encoder.encode(text)

export const sha256: Cryptography['sha256'] = data => digest('SHA-256', data)

export const sha512: Cryptography['sha512'] = data => digest('SHA-512', data)

export const random16: Cryptography['random16'] = () => globalThis.crypto.getRandomValues(new Uint8Array(16))

export const importPublic: Cryptography['importPublic'] = async (jwk: PublicJwk): Promise<ImportedPublic> => {
  const { key: params, operation } = webAlgorithms[jwk.alg]
  const key = await globalThis.crypto.subtle.importKey('jwk', bare(jwk), params, false, ['verify'])
  return {
    verify: (data, signature) => globalThis.crypto.subtle.verify(operation, key, owned(signature), owned(data)),
  }
}

export const importPrivate: Cryptography['importPrivate'] = async (jwk: PrivateJwk): Promise<ImportedPrivate> => {
  const { key: params, operation } = webAlgorithms[jwk.alg]
  const key = await globalThis.crypto.subtle.importKey('jwk', { ...bare(jwk), d: jwk.d }, params, false, ['sign'])
  return { sign: async data => new Uint8Array(await globalThis.crypto.subtle.sign(operation, key, owned(data))) }
}

function publicMembers(raw: Uint8Array): { x: string; y?: string } {
  if (raw.length === 32) return { x: base64urlEncode(raw) }
  return { x: base64urlEncode(raw.subarray(1, 33)), y: base64urlEncode(raw.subarray(33)) }
}

export const generateMembers: Cryptography['generateMembers'] = async algorithm => {
  const { key: params } = webAlgorithms[algorithm]
  const pair = await globalThis.crypto.subtle.generateKey(params, true, ['sign', 'verify'])
  if (!('privateKey' in pair)) throw new TypeError('the runtime made no key pair')
  const { d } = await globalThis.crypto.subtle.exportKey('jwk', pair.privateKey)
  if (d === undefined) throw new TypeError('the runtime exported no private member')
  return { ...publicMembers(new Uint8Array(await globalThis.crypto.subtle.exportKey('raw', pair.publicKey))), d }
}
