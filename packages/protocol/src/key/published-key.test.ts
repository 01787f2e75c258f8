import { generateSigningKey } from '@countersign/httpsig'
import { verifies } from '@countersign/requirements'
import { createLocalJWKSet, jwtVerify } from 'jose'
import { describe, expect, test } from 'vitest'
import { findKey, jwks, signToken } from '../index.js'
import { good, now, rfc8037 } from '../token/jose-issuer.test.fixture.js'

const k1 = { ...rfc8037.jwk, kid: 'k1', use: 'sig' }

describe('publishing', () => {
  test(
    verifies('id.jwk-alg', 'every key is published with kid, use and alg, and without its private part'),
    async () => {
      const [ed, es, rsa] = [
        await generateSigningKey(),
        await generateSigningKey('ES256'),
        await generateSigningKey('PS512'),
      ]
      const { keys } = jwks([
        { kid: 'k1', key: ed },
        { kid: 'k2', key: es },
        { kid: 'k3', key: rsa },
      ])
      expect(keys.map(key => new Set(Object.keys(key)))).toEqual([
        new Set(['alg', 'crv', 'kid', 'kty', 'use', 'x']),
        new Set(['alg', 'crv', 'kid', 'kty', 'use', 'x', 'y']),
        new Set(['alg', 'e', 'kid', 'kty', 'n', 'use']),
      ])
      expect(keys.map(({ kid, use, alg }) => [kid, use, alg])).toEqual([
        ['k1', 'sig', 'Ed25519'],
        ['k2', 'sig', 'ES256'],
        ['k3', 'sig', 'PS512'],
      ])
      expect(findKey({ keys }, 'k3')).toEqual(rsa.publicJwk)
    },
  )

  test('jose finds and uses the key of a token in a published set', async () => {
    const key = await generateSigningKey()
    const token = await signToken({ typ: 'agent+jwt', key, kid: 'k1', claims: good['agent+jwt'] })
    const published = createLocalJWKSet(JSON.parse(JSON.stringify(jwks([{ kid: 'k1', key }]))))
    const { payload } = await jwtVerify(token, published, { currentDate: new Date(now * 1000) })
    expect(payload).toEqual(good['agent+jwt'])
  })

  test(
    verifies('discovery.duplicate-kid', 'two keys under one kid, or a kid no one would take, are not published'),
    async () => {
      const key = await generateSigningKey()
      expect(() =>
        jwks([
          { kid: 'k1', key },
          { kid: 'k1', key },
        ]),
      ).toThrow(TypeError)
      expect(() => jwks([{ kid: '', key }])).toThrow(TypeError)
      expect(() => jwks([{ kid: 'k'.repeat(257), key }])).toThrow(TypeError)
      expect(
        jwks([
          { kid: 'k1', key },
          { kid: 'k2', key },
        ]).keys,
      ).toHaveLength(2)
    },
  )
})

describe('finding', () => {
  test(verifies('KEY-24', 'discovery.broken-keys', 'entries that are broken or unknown are skipped'), () => {
    const strange = [
      null,
      'k1',
      7,
      [],
      [k1],
      {},
      { kid: 'k1' },
      { kty: 'AKP', alg: 'ML-DSA-44', pub: 'AAAA', kid: 'k1' },
      { kty: 'RSA', n: 'AAAA', e: 'AQAB', alg: 'PS512', kid: 'k1' },
      { ...k1, use: 'enc' },
      { ...k1, x: 'AAAA' },
    ]
    expect(findKey({ keys: [...strange, k1, ...strange] }, 'k1')).toEqual(rfc8037.jwk)
    expect(findKey({ keys: strange }, 'k1')).toBeUndefined()
  })

  test.each<readonly [string, object]>([
    [verifies('id.jwk-alg', 'without alg'), { ...k1, alg: undefined }],
    [verifies('KEY-14', 'with a private member'), { ...k1, d: 'A'.repeat(43) }],
    [verifies('KEY-17', 'with the alg of another kind'), { ...k1, alg: 'ES256' }],
    [verifies('KEY-06', 'for encryption'), { ...k1, key_ops: ['encrypt'] }],
    [verifies('KEY-04', 'symmetric'), { kty: 'oct', k: 'AAAA', alg: 'HS256', kid: 'k1' }],
    [verifies('KEY-12', 'with 31 bytes'), { ...k1, x: k1.x.slice(0, 42) }],
  ])('a key %s is not used', (_, key) => {
    expect(findKey({ keys: [key] }, 'k1')).toBeUndefined()
    expect(findKey({ keys: [k1] }, 'k1')).toEqual(rfc8037.jwk)
  })

  test(
    verifies('discovery.duplicate-kid', 'token.kid', 'two keys with the kid asked for refuse, whichever is first'),
    async () => {
      const twin = { ...(await generateSigningKey()).publicJwk, kid: 'k1' }
      for (const keys of [
        [k1, twin],
        [twin, k1],
        [k1, k1],
      ])
        expect(() => findKey({ keys }, 'k1')).toThrow(
          expect.objectContaining({ code: 'discovery_failed', status: 401 }),
        )
      expect(findKey({ keys: [{ ...twin, kid: 'k2' }, k1] }, 'k1')).toEqual(rfc8037.jwk)
    },
  )

  test.each(['K1', 'k1 ', ' k1', 'k', '', '__proto__', 'constructor', 'toString', '../k1', "x' OR 1=1--", 'k1\0'])(
    verifies('KEY-20', 'KEY-22', 'kid %j is not k1'),
    kid => {
      expect(findKey({ keys: [k1] }, kid)).toBeUndefined()
      expect(findKey({ keys: [{ ...k1, kid }] }, 'k1')).toBeUndefined()
      expect(findKey({ keys: [k1] }, 'k1')).toEqual(rfc8037.jwk)
    },
  )

  test.each([null, [], 'keys', 7, {}, { keys: [] }, { keys: {} }, { keys: 'k1' }, { keys: null }, { KEYS: [k1] }])(
    verifies('KEY-25', '%j is no JWK set'),
    document => {
      expect(() => findKey(document, 'k1')).toThrow(expect.objectContaining({ code: 'discovery_failed' }))
      expect(findKey({ keys: [{}] }, 'k1')).toBeUndefined()
    },
  )
})
