import { verifies } from '@countersign/requirements'
import fc from 'fast-check'
import { calculateJwkThumbprint } from 'jose'
import { beforeAll, describe, expect, test } from 'vitest'
import {
  type Algorithm,
  base64urlDecode,
  base64urlEncode,
  generatePrivateJwk,
  generateSigningKey,
  importSigningKey,
  importVerifyKey,
  isSignatureLength,
  type PrivateJwk,
  parsePublicJwk,
  type SigningKey,
  signatureLength,
  thumbprint,
  type VerifyKey,
  verifyKeyCache,
} from './index.js'

const refused = expect.objectContaining({
  code: 'unsupported_algorithm',
  status: 401,
  algs: ['Ed25519', 'ES256', 'ES384', 'PS512'],
})
const data = new TextEncoder().encode('data')

// RFC 8037 appendix A.1, A.3.
const okp = { kty: 'OKP', crv: 'Ed25519', alg: 'Ed25519', x: '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo' } as const
// RFC 9421 appendix B.1.3.
const ec = {
  kty: 'EC',
  crv: 'P-256',
  alg: 'ES256',
  x: 'qIVYZVLCrPZHGHjP17CTW0_-D9Lfw0EkjqF7xB4FivA',
  y: 'Mc4nN9LTDOBhfoUeg8Ye9WedFRhnZXZJA12Qp0zZ6F0',
} as const

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
  test('are read to their canonical members', () => {
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
  ])(verifies('KEY-12', 'sig.alg.points', 'with %s refuse'), (_, keys) => {
    for (const key of keys) expect(() => parsePublicJwk(key), JSON.stringify(key)).toThrow(refused)
    expect(parsePublicJwk(okp)).toEqual(okp)
  })

  test(verifies('KEY-06', 'KEY-17', 'sig.alg.agrees', 'whose members disagree refuse'), () => {
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

  test(verifies('KEY-04', 'KEY-07', 'sig.alg.supported', 'of another kind or curve refuse'), () => {
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

  test(verifies('KEY-14', 'sig.key.no-private', 'with private members refuse, and never show them'), () => {
    for (const member of ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k'])
      for (const value of ['c2VjcmV0', undefined, null]) {
        expect(() => parsePublicJwk({ ...okp, [member]: value })).toThrow(refused)
        expect(() => parsePublicJwk({ ...okp, [member]: value })).not.toThrow(/c2VjcmV0/)
      }
  })

  test(verifies('KEY-07', 'off the curve refuse'), async () => {
    const zero = of(Array(32).fill(0))
    const overPrime = of('ffffffff00000001000000000000000000000000ffffffffffffffffffffffff')
    for (const key of [
      { ...ec, y: ec.x },
      { ...ec, x: zero, y: zero },
      { ...ec, x: overPrime },
      { ...ec, y: of(Array(32).fill(255)) },
      { ...ec384, y: ec384.x },
      { ...ec384, x: of(Array(48).fill(0)), y: of(Array(48).fill(0)) },
      { ...ec384, x: of(`${'ff'.repeat(31)}feffffffff0000000000000000ffffffff`) },
    ])
      await expect(importVerifyKey(key)).rejects.toThrow(refused)
    await expect(importVerifyKey(ec)).resolves.toMatchObject({ algorithm: 'ES256' })
    await expect(importVerifyKey(ec384)).resolves.toMatchObject({ algorithm: 'ES384' })
  })

  test('of small order or in a second spelling refuse', () => {
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
  test('of RFC 8037 appendix A.3', async () => {
    expect(await thumbprint(okp)).toBe('kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k')
    expect((await importVerifyKey(okp)).thumbprint).toBe('kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k')
  })

  test('are those of jose', async () => {
    for (const algorithm of ['Ed25519', 'ES256', 'ES384', 'PS512'] as const) {
      const { publicJwk } = await generateSigningKey(algorithm)
      expect(await thumbprint(publicJwk)).toBe(await calculateJwkThumbprint({ ...publicJwk }))
    }
  })
})

describe.each<readonly [Algorithm, number]>([
  ['Ed25519', 64],
  ['ES256', 64],
  ['ES384', 96],
  ['PS512', 384],
])('%s', (algorithm, length) => {
  let key: SigningKey
  let verifier: VerifyKey
  let signature: Uint8Array
  beforeAll(async () => {
    key = await generateSigningKey(algorithm)
    verifier = await importVerifyKey(key.publicJwk)
    signature = await key.sign(data)
  })

  test('signs what it verifies, alone and many at once', async () => {
    expect(signature).toHaveLength(length)
    expect(signatureLength(key.publicJwk)).toBe(length)
    expect(isSignatureLength(algorithm, length)).toBe(true)
    expect(await verifier.verify(data, signature)).toBe(true)
    const many = await Promise.all(
      Array.from({ length: 40 }, (_, i) => verifier.verify(i % 2 === 0 ? data : data.subarray(1), signature)),
    )
    expect(many).toEqual(many.map((_, i) => i % 2 === 0))
    expect(JSON.stringify(key)).not.toContain('"d"')
  })

  test('comes back from its saved form', async () => {
    const jwk = await generatePrivateJwk(algorithm)
    if (jwk.kty !== 'RSA') expect(base64urlDecode(jwk.d)).toHaveLength(length / 2)
    const again = await importSigningKey({ ...JSON.parse(JSON.stringify(jwk)), kid: 'k', key_ops: ['sign'] })
    expect(await (await importVerifyKey(again.publicJwk)).verify(data, await again.sign(data))).toBe(true)
    const other = await generatePrivateJwk(algorithm)
    await expect(importSigningKey({ ...jwk, ...key.publicJwk } as PrivateJwk)).rejects.toThrow(TypeError)
    if (jwk.kty !== 'RSA') await expect(importSigningKey({ ...jwk, d: other.d })).rejects.toThrow(TypeError)
    await expect(importSigningKey({ ...jwk, d: jwk.kty === 'RSA' ? 'AA=' : 'AA' })).rejects.toThrow(TypeError)
  })

  test(verifies('KEY-08', 'KEY-09', 'sig.alg.signature', 'signatures of a wrong shape do not verify'), async () => {
    expect(await verifier.verify(data, signature)).toBe(true)
    const half = length / 2
    const zeroR = Uint8Array.from(signature).fill(0, 0, half)
    const zeroS = Uint8Array.from(signature).fill(0, half)
    const full = new Uint8Array(length).fill(255)
    const [r, s] = [signature.subarray(0, half), signature.subarray(half)]
    const der = Uint8Array.from([0x30, length + 4, 2, half, ...r, 2, half, ...s])
    for (const wrong of [
      signature.subarray(1),
      Uint8Array.from([...signature, 0]),
      new Uint8Array(),
      new Uint8Array(length),
      zeroR,
      zeroS,
      full,
      der,
    ])
      expect(await verifier.verify(data, wrong)).toBe(false)
  })

  test('no changed bit verifies', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(length * 8 - 1), async bit => {
        const changed = Uint8Array.from(signature)
        changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7))
        expect(await verifier.verify(data, changed)).toBe(false)
      }),
      { numRuns: 100 },
    )
  })
})

test(verifies('KEY-09', 'an Ed25519 signature with S + L does not verify'), async () => {
  const key = await generateSigningKey()
  const signature = await key.sign(data)
  const L = 2n ** 252n + 27742317777372353535851937790883648493n
  let s = 0n
  for (let i = 63; i >= 32; i--) s = (s << 8n) | BigInt(signature[i] ?? 0)
  s += L
  const malleable = Uint8Array.from(signature)
  for (let i = 32; i < 64; i++, s >>= 8n) malleable[i] = Number(s & 255n)
  const verifier = await importVerifyKey(key.publicJwk)
  expect(await verifier.verify(data, signature)).toBe(true)
  expect(await verifier.verify(data, malleable)).toBe(false)
})

test('a signature of RFC 8037 appendix A.4 verifies', async () => {
  const input = new TextEncoder().encode('eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc')
  const signature = base64urlDecode(
    'hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg',
  )
  expect(await (await importVerifyKey(okp)).verify(input, signature)).toBe(true)
  const key = await importSigningKey({ ...okp, d: 'nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A' })
  expect(Uint8Array.from(await key.sign(input))).toEqual(Uint8Array.from(signature))
})

test('a cache gives the same object for the same key, and holds no more than it may', async () => {
  const keys = verifyKeyCache({ capacity: 2 })
  const [a, b, c] = await Promise.all([generateSigningKey(), generateSigningKey('ES256'), generateSigningKey()])
  const first = await keys.import(a.publicJwk)
  await keys.import(b.publicJwk)
  expect(await keys.import({ ...a.publicJwk })).toBe(first)
  await keys.import(c.publicJwk)
  expect(await keys.import(a.publicJwk)).toBe(first)
  await keys.import(b.publicJwk)
  await keys.import(c.publicJwk)
  expect(await keys.import(a.publicJwk)).not.toBe(first)
  await expect(keys.import({ ...okp, x: of(Array(32).fill(0)) })).rejects.toThrow(refused)
  expect(() => verifyKeyCache({ capacity: 0 })).toThrow(RangeError)
})

test('base64url has one spelling', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 80 }), bytes => {
      const text = base64urlEncode(bytes)
      expect(text).toBe(Buffer.from(bytes).toString('base64url'))
      expect(base64urlDecode(text)).toEqual(bytes)
    }),
    { numRuns: 300 },
  )
  fc.assert(
    fc.property(fc.string({ maxLength: 12 }), text => {
      let bytes: Uint8Array
      try {
        bytes = base64urlDecode(text)
      } catch (error) {
        expect(error).toBeInstanceOf(TypeError)
        return
      }
      expect(base64urlEncode(bytes)).toBe(text)
    }),
    { numRuns: 300 },
  )
  for (const text of ['A', 'AB', 'AAB', 'AA==', 'A A', 'A+', 'A/', 'AAé', 'AA\n'])
    expect(() => base64urlDecode(text), text).toThrow(TypeError)
})
