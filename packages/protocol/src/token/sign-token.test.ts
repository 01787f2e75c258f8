import { generateSigningKey, type SigningKey } from '@countersign/httpsig'
import { verifies } from '@countersign/requirements'
import { calculateJwkThumbprint, compactVerify, decodeProtectedHeader, jwtVerify } from 'jose'
import { beforeAll, describe, expect, test } from 'vitest'
import { checkAgentToken, jwks, parseToken, signToken, type TokenType } from '../index.js'
import { good, joseKey, now, rfc8037 } from './jose-issuer.test.fixture.js'

const all: readonly TokenType[] = ['agent+jwt', 'resource+jwt', 'auth+jwt']

describe.each(['Ed25519', 'ES256', 'ES384', 'PS512'] as const)('%s', algorithm => {
  let key: SigningKey
  let other: SigningKey
  beforeAll(async () => {
    key = await generateSigningKey(algorithm)
    other = await generateSigningKey(algorithm)
  })

  test.each(all)(
    verifies('token.alg', 'token.kid', 'token.typ', 'sig.alg.optional', 'jose verifies our %s'),
    async typ => {
      const token = await signToken({ typ, key, kid: 'k1', claims: good[typ] })
      const published = jwks([{ kid: 'k1', key }]).keys[0]
      if (published === undefined) throw new Error('nothing published')
      expect(decodeProtectedHeader(token)).toEqual({ typ, alg: algorithm, kid: 'k1' })
      const { payload } = await jwtVerify(token, await joseKey(published), { typ, currentDate: new Date(now * 1000) })
      expect(payload).toEqual(good[typ])
      const der: SigningKey = { ...key, sign: async data => Uint8Array.from([0x30, 0, ...(await key.sign(data))]) }
      await expect(signToken({ typ, key: der, kid: 'k1', claims: good[typ] })).rejects.toThrow(TypeError)
      await expect(compactVerify(token, await joseKey(other.publicJwk))).rejects.toThrow()
    },
  )
})

test(verifies('RST-06', 'jose computes the thumbprint that RFC 8037 gives'), async () => {
  expect(await calculateJwkThumbprint({ ...rfc8037.jwk, kid: 'k', use: 'sig' })).toBe(
    'kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k',
  )
})

const changes: ReadonlyArray<readonly [TokenType, string, Record<string, unknown>]> = [
  ['agent+jwt', 'life over 24 h', { exp: now + 86_401 }],
  ['resource+jwt', 'life over 10 min', { exp: now + 601 }],
  ['auth+jwt', 'life over 1 h', { exp: now + 3601 }],
  ['agent+jwt', 'over 6 KiB', { note: 'x'.repeat(5000) }],
  ['agent+jwt', 'iat no integer', { iat: now + 0.5 }],
  ['agent+jwt', 'sub empty', { sub: '' }],
  ['agent+jwt', 'a key without alg', { cnf: { jwk: { ...rfc8037.jwk, alg: undefined } } }],
  ['agent+jwt', 'a private key', { cnf: { jwk: { ...rfc8037.jwk, d: 'A'.repeat(43) } } }],
  ['agent+jwt', 'the conditions of a grant', { constraints: [] }],
  ['agent+jwt', 'iss no identifier', { iss: 'https://agent.example/' }],
  ['agent+jwt', 'aud an empty list', { aud: [] }],
  ['resource+jwt', 'aud a list', { aud: ['https://auth.example'] }],
  ['resource+jwt', 'no scope', { scope: undefined }],
  ['resource+jwt', '65 scopes', { scope: Array.from({ length: 65 }, (_, i) => `s${i}`).join(' ') }],
  ['auth+jwt', 'neither sub nor scope', { sub: undefined, scope: undefined }],
  ['auth+jwt', 'agent spelt out where it is the audience', { agent: 'https://resource.example' }],
  ['auth+jwt', 'an identity scope', { scope: 'events.read openid' }],
  ['auth+jwt', 'the conditions of a delegate', { delegation: [] }],
  ['auth+jwt', 'a purpose twice', { purposes: 'support support' }],
  ['auth+jwt', 'a digest too short', { operation_digest: 'abc' }],
  ['resource+jwt', 'conditions', { constraints: [] }],
  ['resource+jwt', 'an operation without a digest', { operation: { name: 'send' } }],
]

test.each(changes)(verifies('token.issuer-limits', 'is not issued: %s with %s'), async (typ, _, changed) => {
  const key = await generateSigningKey()
  const claims = { ...good[typ], ...changed }
  await expect(signToken({ typ, key, kid: 'k1', claims })).rejects.toThrow(TypeError)
  await expect(signToken({ typ, key, kid: 'k1', claims: good[typ] })).resolves.toMatch(/^ey/)
})

test(verifies('token.kid', 'a token with a kid that receivers refuse is not issued'), async () => {
  const key = await generateSigningKey()
  const o = { typ: 'agent+jwt', key, claims: good['agent+jwt'] } as const
  await expect(signToken({ ...o, kid: '' })).rejects.toThrow(TypeError)
  await expect(signToken({ ...o, kid: 'k\ud800' })).rejects.toThrow(TypeError)
  await expect(signToken({ ...o, kid: 'k'.repeat(257) })).rejects.toThrow(TypeError)
  await expect(signToken({ ...o, kid: 'k'.repeat(256) })).resolves.toMatch(/^ey/)
})

test('a signed token can be read, also with development identifiers', async () => {
  const key = await generateSigningKey()
  const claims = { ...good['agent+jwt'], iss: 'http://localhost:4110', aud: ['http://localhost:4130'] }
  const token = await signToken({ typ: 'agent+jwt', key, kid: 'k1', claims })
  const parsed = parseToken(token, ['agent+jwt'], { development: true })
  expect(checkAgentToken(parsed, { now, receiver: 'http://localhost:4130' })).toEqual(claims)
})
