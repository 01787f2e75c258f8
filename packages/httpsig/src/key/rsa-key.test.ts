import { createHash } from 'node:crypto'
import { verifies } from '@countersign/requirements'
import { beforeAll, describe, expect, test } from 'vitest'
import {
  generatePrivateJwk,
  importSigningKey,
  importVerifyKey,
  parsePublicJwk,
  parseSignatureKey,
  type RsaPrivateJwk,
  serializeSignatureKey,
  signatureLength,
  thumbprint,
} from '../index.js'
import { base64urlDecode, base64urlEncode } from '../internal.js'

const refused = expect.objectContaining({
  code: 'unsupported_algorithm',
  status: 401,
  algs: ['Ed25519', 'ES256', 'ES384', 'PS512'],
})
const data = new TextEncoder().encode('data')

// RFC 7638 §3.1, its alg put to ours.
const jwk = {
  kty: 'RSA',
  n: '0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw',
  e: 'AQAB',
  alg: 'PS512',
} as const

test('the thumbprint is that of RFC 7638 §3.1', async () => {
  expect(await thumbprint(parsePublicJwk({ ...jwk, kid: '2011-04-29' }))).toBe(
    'NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs',
  )
})

/** An odd number of so many bits that is no modulus of a weak generator. */
function odd(bits: number): string {
  const bytes = new Uint8Array(Math.ceil(bits / 8)).fill(0x55)
  bytes[0] = 1 << ((bits - 1) % 8)
  return base64urlEncode(bytes)
}

const of = (...bytes: number[]): string => base64urlEncode(Uint8Array.from(bytes))

describe('public keys', () => {
  test('are reduced to their canonical members', () => {
    expect(parsePublicJwk({ ...jwk, kid: 'k', use: 'sig', key_ops: ['verify'], x5t: '' })).toEqual(jwk)
    for (const bits of [2048, 2049, 3072, 4095, 4096])
      expect(signatureLength(parsePublicJwk({ ...jwk, n: odd(bits) }))).toBe(Math.ceil(bits / 8))
    for (const e of ['AQAB', of(1, 0, 3), of(255, 255, 255, 255, 255, 255, 255, 255)])
      expect(parsePublicJwk({ ...jwk, e })).toMatchObject({ e })
  })

  test.each<readonly [string, readonly object[]]>([
    ['a bad size', [512, 1024, 2040, 2047, 4097, 16_384, 65_537].map(bits => ({ ...jwk, n: odd(bits) }))],
    [
      'a bad exponent',
      [
        of(1),
        of(2),
        of(3),
        of(17),
        of(255, 255),
        of(1, 0, 0),
        of(1, 0, 2),
        of(1, ...Array(256).fill(0)),
        of(1, ...Array(7).fill(0), 1),
        jwk.n,
        '',
      ].map(e => ({ ...jwk, e })),
    ],
    ['an even modulus', [{ ...jwk, n: `${jwk.n.slice(0, -2)}gg` }]],
    [
      'a second spelling',
      [
        { ...jwk, n: `AA${jwk.n}` },
        { ...jwk, n: base64urlEncode(Uint8Array.from([0, ...base64urlDecode(jwk.n)])) },
        { ...jwk, n: `${jwk.n}==` },
        { ...jwk, n: `${jwk.n.slice(0, -1)}x` },
        { ...jwk, e: 'AAEAAQ' },
        { ...jwk, e: 'AQAB=' },
        { ...jwk, e: 65_537 },
        { ...jwk, e: undefined },
        { ...jwk, n: undefined },
        { ...jwk, n: [jwk.n] },
      ],
    ],
  ])(verifies('KEY-15', 'sig.alg.rsa-size', 'with %s are refused before any arithmetic'), (_, keys) => {
    for (const key of keys) {
      // The least of several, for other tests run beside this one.
      let least = Number.POSITIVE_INFINITY
      for (let again = 0; again < 5; again++) {
        const started = performance.now()
        expect(() => parsePublicJwk(key), JSON.stringify(key).slice(-40)).toThrow(refused)
        least = Math.min(least, performance.now() - started)
      }
      expect(least).toBeLessThan(50)
    }
    expect(parsePublicJwk(jwk)).toEqual(jwk)
  })

  test(verifies('KEY-16', 'sig.alg.optional', 'without alg, or with the alg of another scheme, are refused'), () => {
    for (const alg of [
      undefined,
      'RS256',
      'RS512',
      'PS256',
      'PS384',
      'RSA-OAEP',
      'rsa-pss-sha512',
      'Ed25519',
      ['PS512'],
    ])
      for (const algorithmOptional of [true, false])
        expect(() => parsePublicJwk({ ...jwk, alg }, { algorithmOptional })).toThrow(refused)
    for (const alg of ['', ';alg="PS256"', ';alg="RS512"'])
      expect(() => parseSignatureKey(`sig=hwk${alg};kty="RSA";n="${jwk.n}";e="AQAB"`)).toThrow(refused)
    const key = { scheme: 'hwk', jwk } as const
    expect(parseSignatureKey(serializeSignatureKey('sig', key))).toEqual({ label: 'sig', key })
    expect(serializeSignatureKey('sig', key)).toBe(`sig=hwk;alg="PS512";kty="RSA";n="${jwk.n}";e="AQAB"`)
  })

  test(verifies('KEY-17', 'sig.alg.agrees', 'of two types at once are refused'), () => {
    for (const key of [
      { ...jwk, crv: 'P-256' },
      { ...jwk, kty: 'EC' },
      { ...jwk, use: 'enc' },
      { ...jwk, d: 'AQAB' },
    ])
      expect(() => parsePublicJwk(key)).toThrow(refused)
  })

  test(verifies('KEY-30', 'from the generator of CVE-2017-15361 are refused'), () => {
    // Such a modulus is a power of 65537 modulo the product M of the small primes.
    const primes = [2n, 3n, 5n, 7n, 11n, 13n, 17n, 19n, 23n, 29n, 31n, 37n, 41n, 43n, 47n, 53n, 59n, 61n, 67n, 71n, 73n]
    const more = [
      79n,
      83n,
      89n,
      97n,
      101n,
      103n,
      107n,
      109n,
      113n,
      127n,
      131n,
      137n,
      139n,
      149n,
      151n,
      157n,
      163n,
      167n,
    ]
    const M = [...primes, ...more].reduce((product, prime) => product * prime)
    const start = (1n << 2047n) / M
    for (const exponent of [1n, 2n, 77n, 123_456_789n]) {
      let power = 1n
      for (let i = 0n; i < exponent % 1000n; i++) power = (power * 65537n) % M
      const weak = (start + exponent) * M + power
      const n = Buffer.from(weak.toString(16), 'hex').toString('base64url')
      expect(() => parsePublicJwk({ ...jwk, n })).toThrow(/CVE-2017-15361/)
      expect(() => parsePublicJwk({ ...jwk, n })).toThrow(refused)
      const sound = Buffer.from((weak + 2n).toString(16), 'hex').toString('base64url')
      expect(parsePublicJwk({ ...jwk, n: sound })).toMatchObject({ n: sound })
    }
  })
})

let saved: RsaPrivateJwk
beforeAll(async () => {
  const made = await generatePrivateJwk('PS512')
  if (made.kty !== 'RSA') throw new Error('no RSA key')
  saved = made
})

const sha = (name: string, bytes: Uint8Array): Buffer => createHash(name).update(bytes).digest()

/** The mask of RFC 8017 appendix B.2.1. */
function mgf1(hash: string, seed: Uint8Array, length: number): Buffer {
  const blocks: Buffer[] = []
  for (let i = 0; blocks.length * 20 < length + 64; i++) blocks.push(sha(hash, Buffer.from([...seed, 0, 0, 0, i])))
  return Buffer.concat(blocks).subarray(0, length)
}

/** RSASSA-PSS of RFC 8017 §9.1.1 with whatever is asked for, which no library would sign. */
function pss(o: { hash: string; mgf: string; salt: number; trailer?: number }): Uint8Array {
  const n = BigInt(`0x${Buffer.from(saved.n, 'base64url').toString('hex')}`)
  const length = Math.ceil((n.toString(2).length - 1) / 8)
  const salt = Buffer.alloc(o.salt, 7)
  const H = sha(o.hash, Buffer.concat([Buffer.alloc(8), sha(o.hash, data), salt]))
  const DB = Buffer.concat([Buffer.alloc(length - salt.length - H.length - 2), Buffer.of(1), salt])
  const mask = mgf1(o.mgf, H, DB.length)
  for (const [i, byte] of DB.entries()) DB[i] = byte ^ (mask[i] ?? 0)
  DB[0] = (DB[0] ?? 0) & 0x7f
  const encoded = BigInt(`0x${Buffer.concat([DB, H, Buffer.of(o.trailer ?? 0xbc)]).toString('hex')}`)
  return Buffer.from(
    power(encoded, n)
      .toString(16)
      .padStart(length * 2, '0'),
    'hex',
  )
}

/** base to the private exponent, modulo n. */
function power(base: bigint, n: bigint): bigint {
  let result = 1n
  for (const bit of BigInt(`0x${Buffer.from(saved.d, 'base64url').toString('hex')}`).toString(2)) {
    result = (result * result) % n
    if (bit === '1') result = (result * base) % n
  }
  return result
}

test(verifies('KEY-28', 'sig.alg.optional', 'another salt length, hash, mask or padding does not verify'), async () => {
  const { kty, n, e, alg } = saved
  const verifier = await importVerifyKey({ kty, n, e, alg })
  expect(await verifier.verify(data, pss({ hash: 'sha512', mgf: 'sha512', salt: 64 }))).toBe(true)
  for (const wrong of [
    { hash: 'sha512', mgf: 'sha512', salt: 0 },
    { hash: 'sha512', mgf: 'sha512', salt: 32 },
    { hash: 'sha512', mgf: 'sha512', salt: 63 },
    { hash: 'sha512', mgf: 'sha512', salt: 65 },
    { hash: 'sha512', mgf: 'sha512', salt: 254 },
    { hash: 'sha512', mgf: 'sha256', salt: 64 },
    { hash: 'sha512', mgf: 'sha1', salt: 64 },
    { hash: 'sha256', mgf: 'sha256', salt: 32 },
    { hash: 'sha256', mgf: 'sha512', salt: 64 },
    { hash: 'sha512', mgf: 'sha512', salt: 64, trailer: 0xcc },
  ])
    expect(await verifier.verify(data, pss(wrong)), JSON.stringify(wrong)).toBe(false)
  const { subtle } = globalThis.crypto
  for (const name of ['RSASSA-PKCS1-v1_5', 'RSA-PSS']) {
    const { alg: _, ...members } = saved
    const key = await subtle.importKey('jwk', members, { name, hash: 'SHA-512' }, false, ['sign'])
    const signature = new Uint8Array(await subtle.sign({ name, saltLength: 64 }, key, data))
    expect(await verifier.verify(data, signature)).toBe(name === 'RSA-PSS')
  }
})

test('a private key with missing, foreign or broken members is refused', async () => {
  const other = await generatePrivateJwk('PS512')
  expect(await importSigningKey({ ...saved, oth: undefined } as RsaPrivateJwk)).toMatchObject({ algorithm: 'PS512' })
  for (const member of ['d', 'p', 'q', 'dp', 'dq', 'qi'] as const)
    for (const value of [undefined, '', 7, 'AQ=', 'A'.repeat(10_000)])
      await expect(importSigningKey({ ...saved, [member]: value }), `${member} ${value}`).rejects.toThrow(TypeError)
  const { kty, n, e, alg } = saved
  await expect(importSigningKey({ ...other, kty, n, e, alg } as RsaPrivateJwk)).rejects.toThrow(TypeError)
})
