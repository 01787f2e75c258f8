import { createHmac, createPrivateKey, createPublicKey, type KeyObject, sign, verify } from 'node:crypto'
import type { HttpRequestMessage, HttpResponseMessage, SigningKey, VerifyKey } from '../index.js'

// RFC 9421 Appendix B.1 (keys) and B.2 (messages). B.1: "These keys MUST NOT be used for any purpose other than testing."

import { ed25519 } from '../rfc9421-keys.test.fixture.js'

export { ed25519 }

export const p256 = {
  kty: 'EC',
  crv: 'P-256',
  alg: 'ES256',
  x: 'qIVYZVLCrPZHGHjP17CTW0_-D9Lfw0EkjqF7xB4FivA',
  y: 'Mc4nN9LTDOBhfoUeg8Ye9WedFRhnZXZJA12Qp0zZ6F0',
  d: 'UpuF81l-kOxbjf7T4mNSv0r5tN67Gim7rnf6EFpcYDs',
} as const

const rsaPssMembers = createPublicKey(`-----BEGIN PUBLIC KEY-----
MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAr4tmm3r20Wd/PbqvP1s2
+QEtvpuRaV8Yq40gjUR8y2Rjxa6dpG2GXHbPfvMs8ct+Lh1GH45x28Rw3Ry53mm+
oAXjyQ86OnDkZ5N8lYbggD4O3w6M6pAvLkhk95AndTrifbIFPNU8PPMO7OyrFAHq
gDsznjPFmTOtCEcN2Z1FpWgchwuYLPL+Wokqltd11nqqzi+bJ9cvSKADYdUAAN5W
Utzdpiy6LbTgSxP7ociU4Tn0g5I6aDZJ7A8Lzo0KSyZYoA485mqcO0GVAdVw9lq4
aOT9v6d+nb4bnNkQVklLQ3fVAvJm+xdDOp9LCNCN48V2pnDOkFV6+U9nV5oyc6XI
2wIDAQAB
-----END PUBLIC KEY-----`).export({ format: 'jwk' })

export const rsaPss: { readonly kty: 'RSA'; readonly n: string; readonly e: string } = {
  kty: 'RSA',
  n: rsaPssMembers.n ?? '',
  e: rsaPssMembers.e ?? '',
}

const rsa = createPublicKey(`-----BEGIN RSA PUBLIC KEY-----
MIIBCgKCAQEAhAKYdtoeoy8zcAcR874L8cnZxKzAGwd7v36APp7Pv6Q2jdsPBRrw
WEBnez6d0UDKDwGbc6nxfEXAy5mbhgajzrw3MOEt8uA5txSKobBpKDeBLOsdJKFq
MGmXCQvEG7YemcxDTRPxAleIAgYYRjTSd/QBwVW9OwNFhekro3RtlinV0a75jfZg
kne/YiktSvLG34lw2zqXBDTC5NHROUqGTlML4PlNZS5Ri2U4aCNx2rUPRcKIlE0P
uKxI4T+HIaFpv8+rdV6eUgOrB2xeI1dSFFn/nnv5OoZJEIB+VmuKn3DCUcCZSFlQ
PSXSfBDiUGhwOw76WuSSsf1D4b/vLoJ10wIDAQAB
-----END RSA PUBLIC KEY-----`)

const sharedSecret = Buffer.from(
  'uzvJfB4u3N0Jy4T7NZ75MDVcr8zSTInedJtkgcu46YW4XByzNJjxBdtjUkdJPBtbmHhIDi6pcl8jsasjlTMtDQ==',
  'base64',
)

// Keys of the appendix that node:crypto computes with here. The members besides `verify` and `sign` only fill the interface.
const filler = {
  algorithm: 'PS512',
  publicJwk: { kty: 'OKP', crv: 'Ed25519', alg: 'Ed25519', x: ed25519.x },
  thumbprint: '',
} as const

/** rsa-v1_5-sha256 with test-key-rsa. */
export const rsaVerifier: VerifyKey = {
  ...filler,
  verify: async (data, signature) => verify('sha256', data, rsa, signature),
}

function hmac(data: Uint8Array): Uint8Array {
  return createHmac('sha256', sharedSecret).update(data).digest()
}

/** hmac-sha256 with test-shared-secret. */
export const hmacVerifier: VerifyKey = {
  ...filler,
  verify: async (data, signature) => Buffer.from(hmac(data)).equals(signature),
}

/** HMAC is not a supported algorithm: a stand-in for a key with signatures of 32 bytes. */
export const hmacSigner: SigningKey = {
  ...filler,
  publicJwk: { kty: 'RSA', alg: 'PS512', n: Buffer.alloc(32, 0xff).toString('base64url'), e: 'AQAB' },
  sign: async data => hmac(data),
}

const ed25519Private: KeyObject = createPrivateKey({ format: 'jwk', key: { ...ed25519 } })

/** Signs with test-key-ed25519, without the code under test. */
export function referenceSign(base: string): string {
  return sign(null, Buffer.from(base, 'latin1'), ed25519Private).toString('base64')
}

const encoder = new TextEncoder()

/** B.2, test-request. */
export const testRequest: HttpRequestMessage = {
  method: 'POST',
  target: '/foo?param=Value&Pet=dog',
  scheme: 'https',
  authority: 'example.com',
  headers: [
    ['Host', 'example.com'],
    ['Date', 'Tue, 20 Apr 2021 02:07:55 GMT'],
    ['Content-Type', 'application/json'],
    [
      'Content-Digest',
      'sha-512=:WZDPaVn/7XgHaAy8pmojAkGWoRx2UFChF41A2svX+TaPm+AbwAgBWnrIiYllu7BNNyealdVLvRwEmTHWXvJwew==:',
    ],
    ['Content-Length', '18'],
  ],
  body: encoder.encode('{"hello": "world"}'),
}

/** B.2, test-response. */
export const testResponse: HttpResponseMessage = {
  status: 200,
  headers: [
    ['Date', 'Tue, 20 Apr 2021 02:07:56 GMT'],
    ['Content-Type', 'application/json'],
    [
      'Content-Digest',
      'sha-512=:mEWXIS7MaLRuGgxOBdODa3xqM1XdEvxoYhvlCFJ41QJgJc4GTsPp29l5oGX69wWdXymyU0rjJuahq4l5aGgfLQ==:',
    ],
    ['Content-Length', '23'],
  ],
  body: encoder.encode('{"message": "good dog"}'),
}

/** The message with lines added. */
export function withLines<M extends HttpRequestMessage | HttpResponseMessage>(
  message: M,
  ...lines: ReadonlyArray<readonly [string, string]>
): M {
  return { ...message, headers: [...message.headers, ...lines] }
}
