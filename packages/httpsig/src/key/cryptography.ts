import type { Algorithm } from './algorithm.js'
import type { PrivateJwk, PublicJwk } from './jwk.js'
import type { VerifyKey } from './verify-key.js'

/** A public key the runtime holds. */
export interface ImportedPublic {
  verify(data: Uint8Array, signature: Uint8Array): Promise<boolean>
}

/** A private key the runtime holds; ECDSA signatures are r‖s. */
export interface ImportedPrivate {
  sign(data: Uint8Array): Promise<Uint8Array>
}

/** A key pair that was just made. */
export interface FreshPair extends ImportedPrivate {
  readonly jwk: PublicJwk
}

/** The cryptography that this package needs; `#crypto` is one of two modules with exactly these exports. */
export interface Cryptography {
  /** The bytes of a string that is all ASCII. */
  ascii(text: string): Uint8Array
  /** SHA-256 of bytes, or of a string's UTF-8 bytes. */
  sha256(data: Uint8Array | string): Promise<Uint8Array>
  /**
   * The key with its thumbprint: the SHA-256 of `members`, base64url. It is computed when it is first read, if the runtime hashes
   * synchronously: most requests with a new key never need it.
   */
  withThumbprint(key: Omit<VerifyKey, 'thumbprint'>, members: (jwk: PublicJwk) => string): Promise<VerifyKey>
  sha512(data: Uint8Array | string): Promise<Uint8Array>
  /** 16 bytes from the runtime's secure source, base64url. */
  random16(): string
  importPublic(jwk: PublicJwk): Promise<ImportedPublic>
  importPrivate(jwk: PrivateJwk): Promise<ImportedPrivate>
  /** A fresh signing key whose private part stays in the runtime, and its public members, possibly with others. */
  generatePair(algorithm: Algorithm): Promise<FreshPair>
  /** A fresh private key, possibly with members of the runtime's own; an RSA key has 3072 bits. */
  generate(algorithm: Algorithm): Promise<PrivateJwk>
}
