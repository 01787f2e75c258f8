import {
  createHash,
  createHmac,
  createPrivateKey,
  generateKeyPairSync,
  type KeyObject,
  type KeyPairKeyObjectResult,
  sign,
} from 'node:crypto'

/** The algorithms that the suite signs with. */
export type TestAlgorithm = 'Ed25519' | 'ES256' | 'ES384' | 'PS512'

/** A key of a participant that the suite plays. */
export interface TestKey {
  readonly alg: TestAlgorithm
  /** Its public members, with `alg`. */
  readonly jwk: Readonly<Record<string, string>>
  /** By RFC 7638. */
  readonly thumbprint: string
  /** Its private JWK, for the cases that must show one where none may stand. */
  privateJwk(): Readonly<Record<string, string>>
  sign(data: Uint8Array): Buffer
}

/** Makes a fresh key. */
export function makeKey(alg: TestAlgorithm = 'Ed25519'): TestKey {
  return testKey(alg, generatePrivateKey(alg))
}

/** An Ed25519 private key in PKCS #8, up to its 32 bytes. */
const pkcs8 = Buffer.from('302e020100300506032b657004220420', 'hex')

/**
 * The key of a participant that comes back under the same identifier, in every run the same: receivers keep its key set for up to
 * 10 minutes.
 * @param secret whoever knows it can sign in the name of the participant
 */
export function keyOf(id: string, secret: string): TestKey {
  const der = Buffer.concat([pkcs8, createHmac('sha256', secret).update(id).digest()])
  return testKey('Ed25519', createPrivateKey({ key: der, format: 'der', type: 'pkcs8' }))
}

/** A key as cases use it. */
export function testKey(alg: TestAlgorithm, privateKey: KeyObject): TestKey {
  const { d: _, p, q, dp, dq, qi, ...members } = jwkOf(privateKey)
  const jwk = { ...members, alg }
  return {
    alg,
    jwk,
    thumbprint: thumbprintOf(jwk),
    privateJwk: () => ({ ...jwkOf(privateKey), alg }),
    sign: data => signBytes(alg, privateKey, data),
  }
}

function jwkOf(key: KeyObject): Record<string, string> {
  return key.export({ format: 'jwk' }) as Record<string, string>
}

/**
 * Never the KeyObject of a generated pair: exporting that as JWK locks the key, and where the garbage collector finishes the job that
 * made the pair at that moment, the job locks it again. Node 20 then hangs forever. As DER it is exported without a lock.
 */
function generatePrivateKey(alg: TestAlgorithm): KeyObject {
  return reopened(generatePair(alg).privateKey)
}

/** The key of a generated pair as one that may be exported. */
export function reopened(generated: KeyObject): KeyObject {
  const key = generated.export({ format: 'der', type: 'pkcs8' })
  return createPrivateKey({ key, format: 'der', type: 'pkcs8' })
}

function generatePair(alg: TestAlgorithm): KeyPairKeyObjectResult {
  switch (alg) {
    case 'Ed25519':
      return generateKeyPairSync('ed25519')
    case 'ES256':
      return generateKeyPairSync('ec', { namedCurve: 'P-256' })
    case 'ES384':
      return generateKeyPairSync('ec', { namedCurve: 'P-384' })
    case 'PS512':
      return generateKeyPairSync('rsa', { modulusLength: 2048 })
  }
}

/** Signs as RFC 9421 §3.3 says for the algorithm; ECDSA as r‖s. */
function signBytes(alg: TestAlgorithm, key: KeyObject, data: Uint8Array): Buffer {
  switch (alg) {
    case 'Ed25519':
      return sign(null, data, key)
    case 'ES256':
      return sign('sha256', data, { key, dsaEncoding: 'ieee-p1363' })
    case 'ES384':
      return sign('sha384', data, { key, dsaEncoding: 'ieee-p1363' })
    case 'PS512':
      // RSA_PKCS1_PSS_PADDING
      return sign('sha512', data, { key, padding: 6, saltLength: 64 })
  }
}

/** The thumbprint of a public JWK. @see RFC 7638 §3 */
export function thumbprintOf(jwk: Readonly<Record<string, unknown>>): string {
  const names: Readonly<Record<string, readonly string[]>> = {
    OKP: ['crv', 'kty', 'x'],
    EC: ['crv', 'kty', 'x', 'y'],
    RSA: ['e', 'kty', 'n'],
  }
  const members = (names[String(jwk['kty'])] ?? []).map(name => [name, jwk[name]])
  return createHash('sha256')
    .update(JSON.stringify(Object.fromEntries(members)))
    .digest('base64url')
}
