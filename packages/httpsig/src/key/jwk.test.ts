import { verifies } from '@countersign/requirements'
import { calculateJwkThumbprint } from 'jose'
import { describe, expect, test } from 'vitest'
import { generateSigningKey, importVerifyKey, parsePublicJwk, thumbprint } from '../index.js'
import { base64urlEncode } from '../internal.js'
import { p256 as ec } from '../rfc9421-keys.test.fixture.js'

const refused = expect.objectContaining({
  code: 'unsupported_algorithm',
  status: 401,
  algs: ['Ed25519', 'ES256', 'ES384', 'PS512'],
})

// RFC 8037 appendix A.1, A.3.
const okp = { kty: 'OKP', crv: 'Ed25519', alg: 'Ed25519', x: '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo' } as const
// The generator of P-384 (SEC 2 §2.5.1).
const ec384 = {
  kty: 'EC',
  crv: 'P-384',
  alg: 'ES384',
  x: 'qofKIr6LBTeOscce8yCtdG4dO2KLp5uYWfdB4IJUKjhVAvJdv1UpbDpUXjhydgq3',
  y: 'NhfeSpYmLG9dnpi_kpLcKfj0Hb0omhR86doxE7XwuMAKYLHOHX6BnXpDHXyQ6g5f',
} as const

const of = (bytes: readonly number[] | string): string =>
  base64urlEncode(typeof bytes === 'string' ? Uint8Array.from(Buffer.from(bytes, 'hex')) : Uint8Array.from(bytes))

describe('public keys', () => {
  test('are reduced to their canonical members', () => {
    expect(parsePublicJwk({ ...okp, kid: 'k', use: 'sig', key_ops: ['verify'], x5c: [], other: {} })).toEqual(okp)
    expect(parsePublicJwk({ ...ec, ext: true })).toEqual(ec)
    expect(parsePublicJwk({ ...ec384, use: 'sig' })).toEqual(ec384)
    expect(parsePublicJwk({ ...okp, alg: 'EdDSA' })).toEqual(okp)
    expect(parsePublicJwk({ kty: okp.kty, crv: okp.crv, x: okp.x }, { algorithmOptional: true })).toEqual(okp)
  })

  test.each([
    ['no object', [null, undefined, 'x', 1, [okp], []]],
    [
      'no alg',
      [
        { kty: okp.kty, crv: okp.crv, x: okp.x },
        { ...okp, alg: undefined },
      ],
    ],
    [
      'lengths',
      [
        { ...okp, x: okp.x.slice(1) },
        { ...okp, x: of(Array(31).fill(9)) },
        { ...okp, x: of(Array(33).fill(9)) },
        { ...okp, x: '' },
        { ...okp, x: 7 },
        { kty: 'OKP', crv: 'Ed25519', alg: 'Ed25519' },
        { ...ec, y: undefined },
        { ...ec, x: of(Array(31).fill(9)) },
        { ...ec, y: of(Array(33).fill(9)) },
        { ...ec384, x: ec.x },
        { ...ec384, y: of(Array(47).fill(9)) },
        { ...ec384, y: of(Array(49).fill(9)) },
        { ...ec384, y: undefined },
      ],
    ],
    [
      'spelling',
      [
        { ...okp, x: `${okp.x}=` },
        { ...okp, x: okp.x.replace('_', '/') },
        { ...okp, x: `${okp.x.slice(0, -1)}p` },
        { ...okp, x: ` ${okp.x.slice(1)}` },
      ],
    ],
  ])(verifies('KEY-12', 'sig.alg.points', 'with %s are refused'), (_, keys) => {
    for (const key of keys) expect(() => parsePublicJwk(key), JSON.stringify(key)).toThrow(refused)
    expect(parsePublicJwk(okp)).toEqual(okp)
  })

  test(verifies('KEY-06', 'KEY-17', 'sig.alg.agrees', 'with members that disagree are refused'), () => {
    for (const key of [
      { ...okp, use: 'enc' },
      { ...okp, use: '' },
      { ...okp, key_ops: ['encrypt'] },
      { ...okp, key_ops: [] },
      { ...okp, key_ops: 'verify' },
      { ...okp, key_ops: ['verify', 'verify'] },
      { ...okp, alg: 'ES256' },
      { ...okp, alg: 'ed25519' },
      { ...ec, alg: 'Ed25519' },
      { ...ec, alg: 'EdDSA' },
      { ...okp, kty: 'EC' },
      { ...okp, crv: 'X25519' },
      { ...okp, alg: ['Ed25519'] },
    ])
      expect(() => parsePublicJwk(key), JSON.stringify(key)).toThrow(refused)
    expect(parsePublicJwk({ ...okp, use: 'sig', key_ops: ['sign', 'verify'] })).toEqual(okp)
  })

  test(verifies('KEY-04', 'KEY-07', 'sig.alg.supported', 'of another type or curve are refused'), () => {
    for (const key of [
      { kty: 'oct', k: 'AAAA', alg: 'HS256' },
      { kty: 'RSA', n: 'AQAB', e: 'AQAB', alg: 'RS256' },
      { ...okp, crv: 'ed25519' },
      { ...okp, crv: 'Ed448', alg: 'Ed448' },
      { ...ec, crv: 'secp256k1', alg: 'ES256K' },
      { ...ec, crv: 'P-384', alg: 'ES384' },
      { ...ec384, crv: 'P-256', alg: 'ES256' },
      { ...ec384, alg: 'ES256' },
      { ...ec384, alg: 'ES512' },
      { ...ec, crv: 'P-521', alg: 'ES512' },
      { alg: 'Ed25519' },
      { ...okp, kty: 'okp' },
    ])
      expect(() => parsePublicJwk(key), JSON.stringify(key)).toThrow(refused)
  })

  test(
    verifies('KEY-14', 'sig.key.no-private', 'with private members are refused, and the error does not show them'),
    () => {
      for (const member of ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k'])
        for (const value of ['c2VjcmV0', undefined, null]) {
          expect(() => parsePublicJwk({ ...okp, [member]: value })).toThrow(refused)
          expect(() => parsePublicJwk({ ...okp, [member]: value })).not.toThrow(/c2VjcmV0/)
        }
    },
  )

  test(verifies('KEY-07', 'off the curve are refused'), async () => {
    const zero = of(Array(32).fill(0))
    const overPrime = of('ffffffff00000001000000000000000000000000ffffffffffffffffffffffff')
    // y = 2, for which the equation of Ed25519 has no x: y = 3 and its negative have one.
    const ofNoPoint = ['00', '80'].map(last => ({ ...okp, x: of(`02${'00'.repeat(30)}${last}`) }))
    for (const key of [
      { ...ec, y: ec.x },
      { ...ec, x: zero, y: zero },
      { ...ec, x: overPrime },
      { ...ec, y: of(Array(32).fill(255)) },
      { ...ec384, y: ec384.x },
      { ...ec384, x: of(Array(48).fill(0)), y: of(Array(48).fill(0)) },
      { ...ec384, x: of(`${'ff'.repeat(31)}feffffffff0000000000000000ffffffff`) },
      ...ofNoPoint,
    ])
      await expect(importVerifyKey(key)).rejects.toThrow(refused)
    for (const last of ['00', '80'])
      await expect(importVerifyKey({ ...okp, x: of(`03${'00'.repeat(30)}${last}`) })).resolves.toBeDefined()
    await expect(importVerifyKey(ec)).resolves.toMatchObject({ algorithm: 'ES256' })
    await expect(importVerifyKey(ec384)).resolves.toMatchObject({ algorithm: 'ES384' })
  })

  test('of small order or in a second spelling are refused', () => {
    // The eight points whose order divides 8, and every spelling of y from p up (RFC 8032 §5.1.3; speccheck).
    const small = [
      '0100000000000000000000000000000000000000000000000000000000000000',
      '0000000000000000000000000000000000000000000000000000000000000000',
      '0000000000000000000000000000000000000000000000000000000000000080',
      'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
      '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
      '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85',
      'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
      'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa',
      '0100000000000000000000000000000000000000000000000000000000000080',
      'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff',
    ]
    const beyond = Array.from({ length: 19 }, (_, i) => (0xed + i).toString(16)).flatMap(low => [
      `${low}${'ff'.repeat(30)}7f`,
      `${low}${'ff'.repeat(31)}`,
    ])
    for (const point of [...small, ...beyond])
      expect(() => parsePublicJwk({ ...okp, x: of(point) }), point).toThrow(refused)
    for (const point of [`ebff${'ff'.repeat(29)}7f`, `0200${'00'.repeat(30)}`])
      expect(parsePublicJwk({ ...okp, x: of(point) })).toMatchObject({ kty: 'OKP' })
  })
})

describe('thumbprints', () => {
  test('match RFC 8037 appendix A.3', async () => {
    expect(await thumbprint(okp)).toBe('kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k')
    expect((await importVerifyKey(okp)).thumbprint).toBe('kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k')
  })

  test('match those of jose', async () => {
    for (const algorithm of ['Ed25519', 'ES256', 'ES384', 'PS512'] as const) {
      const { publicJwk } = await generateSigningKey(algorithm)
      expect(await thumbprint(publicJwk)).toBe(await calculateJwkThumbprint({ ...publicJwk }))
    }
  })
})
