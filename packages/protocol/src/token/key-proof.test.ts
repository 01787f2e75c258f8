import { type Algorithm, generateSigningKey, type SigningKey } from '@countersign/httpsig'
import { numRuns, verifies } from '@countersign/requirements'
import fc from 'fast-check'
import { base64url, compactVerify } from 'jose'
import { beforeAll, describe, expect, test } from 'vitest'
import { AAuthError, type KeyProofClaims, parseKeyProof, signKeyProof, verifyKeyProof } from '../index.js'
import { type JoseIssuer, joseIssuer, joseKey, now, rfc8037 } from './jose-issuer.test.fixture.js'

const endpoint = 'https://agent.example/delegate/token'
const claims: KeyProofClaims = { aud: endpoint, sub: 'phone', jkt: rfc8037.thumbprint, iat: now, jti: 'jti-9' }
const header = { typ: 'key-proof+jwt', alg: 'Ed25519' }
const refusal = { code: 'invalid_request', status: 400 }

let holder: JoseIssuer
beforeAll(async () => {
  holder = await joseIssuer()
})

const verify = (proof: string, changed: { now?: number; jwk?: JoseIssuer['jwk'] } = {}): Promise<KeyProofClaims> =>
  verifyKeyProof(proof, { jwk: holder.jwk, aud: endpoint, sub: 'phone', jkt: rfc8037.thumbprint, now, ...changed })
const issued = (changed: object = {}, changedHeader: object = {}): Promise<string> =>
  holder.issue({ ...header, ...changedHeader }, { ...claims, ...changed })

test.each<Algorithm>(['Ed25519', 'ES256', 'ES384', 'PS512'])(
  verifies('delegate.rotate', 'jose reads our proof by %s, and we read what we wrote'),
  async algorithm => {
    const key = await generateSigningKey(algorithm)
    const proof = await signKeyProof(claims, key)
    const { protectedHeader, payload } = await compactVerify(proof, await joseKey(key.publicJwk))
    expect(protectedHeader).toEqual({ typ: 'key-proof+jwt', alg: algorithm })
    expect(JSON.parse(new TextDecoder().decode(payload))).toEqual({
      aud: 'https://agent.example/delegate/token',
      sub: 'phone',
      jkt: 'kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k',
      iat: 1_800_000_000,
      jti: 'jti-9',
    })
    expect(parseKeyProof(proof)).toMatchObject({ alg: algorithm, claims })
    await expect(verify(proof, { jwk: key.publicJwk })).resolves.toEqual(claims)
  },
)

describe('refused, although the unchanged token is accepted', () => {
  test.each<readonly [string, () => Promise<string>]>([
    ['for another endpoint', () => issued({ aud: 'https://evil.example/delegate/token' })],
    ['for the origin alone', () => issued({ aud: 'https://agent.example' })],
    ['for a list of endpoints', () => issued({ aud: [endpoint] })],
    ['for another delegate', () => issued({ sub: 'laptop' })],
    ['after another key', () => issued({ jkt: 'A'.repeat(43) })],
    ['61 seconds old', () => issued({ iat: now - 61 })],
    ['61 seconds ahead', () => issued({ iat: now + 61 })],
    ['at no whole second', () => issued({ iat: now + 0.5 })],
    ['at a time in words', () => issued({ iat: String(now) })],
    ['without aud', () => issued({ aud: undefined })],
    ['without sub', () => issued({ sub: undefined })],
    ['without jkt', () => issued({ jkt: undefined })],
    ['without iat', () => issued({ iat: undefined })],
    ['without jti', () => issued({ jti: undefined })],
    ['with an empty jti', () => issued({ jti: '' })],
    ['with a jti of 513 bytes', () => issued({ jti: 'x'.repeat(513) })],
    ['of no typ', () => issued({}, { typ: undefined })],
    ['of the typ of a token', () => issued({}, { typ: 'agent+jwt' })],
    ['of typ in capitals', () => issued({}, { typ: 'KEY-PROOF+JWT' })],
    ['with alg none', () => issued({}, { alg: 'none' })],
    ['with an alg that is not the key’s', () => issued({}, { alg: 'ES256' })],
    ['with crit', () => issued({}, { crit: ['exp'] })],
    ['by another key', async () => (await joseIssuer()).issue(header, claims)],
    [
      'by another key that names itself',
      async () => {
        const other = await joseIssuer()
        return other.issue({ ...header, jwk: other.jwk }, claims)
      },
    ],
    ['over 6 KiB', () => issued({ note: 'x'.repeat(6144) })],
    [
      'with a claim twice',
      () => holder.raw(JSON.stringify(header), `${JSON.stringify(claims).slice(0, -1)},"sub":"x"}`),
    ],
    ['of two segments', async () => (await issued()).replace(/\.[^.]*$/, '')],
    ['of four segments', async () => `${await issued()}.x`],
    ['with a shorter signature', async () => (await issued()).slice(0, -4)],
    ['that is a list', () => holder.raw(JSON.stringify(header), '[]')],
  ])(verifies('delegate.rotate', 'a proof %s'), async (_, proof) => {
    await expect(proof().then(verify)).rejects.toMatchObject(refusal)
    await expect(issued().then(verify)).resolves.toEqual(claims)
  })

  test.each([Number.NaN, Number.POSITIVE_INFINITY])(verifies('delegate.rotate', 'at a clock of %d'), async clock => {
    await expect(verify(await issued(), { now: clock })).rejects.toMatchObject(refusal)
  })

  test(verifies('delegate.rotate', 'KEY-14', 'for a key that is not acceptable'), async () => {
    const jwk = { ...holder.jwk, d: 'A'.repeat(43) }
    await expect(verify(await issued(), { jwk })).rejects.toMatchObject({ code: 'unsupported_algorithm', status: 401 })
  })
})

test(verifies('delegate.rotate', 'a proof is valid for 60 seconds before and after iat'), async () => {
  for (const iat of [now - 60, now + 60]) expect(await verify(await issued({ iat }))).toEqual({ ...claims, iat })
})

test('other headers and claims are ignored, also a kid', async () => {
  await expect(issued({ note: 'x' }, { kid: 'k1' }).then(verify)).resolves.toEqual(claims)
})

test(verifies('delegate.rotate', 'a proof that would be refused is not made'), async () => {
  const key = await generateSigningKey()
  const der: SigningKey = { ...key, sign: async data => Uint8Array.from([0x30, 0, ...(await key.sign(data))]) }
  await expect(signKeyProof(claims, der)).rejects.toThrow(TypeError)
  for (const changed of [{ sub: '' }, { jkt: 'short' }, { iat: now + 0.5 }, { jti: ' ' }, { aud: '' }])
    await expect(signKeyProof({ ...claims, ...changed }, key)).rejects.toThrow(TypeError)
  await expect(signKeyProof(claims, key)).resolves.toMatch(/^ey/)
})

test(verifies('delegate.rotate', 'DOS-14', 'a proof with one character changed or left out is refused'), async () => {
  const proof = await issued()
  const refused = (changed: string): Promise<unknown> =>
    expect(verify(changed)).rejects.toSatisfy(error => error instanceof AAuthError && error.status < 500)
  for (let at = 0; at < proof.length; at++) {
    const other = proof[at] === 'A' ? 'B' : 'A'
    await refused(`${proof.slice(0, at)}${other}${proof.slice(at + 1)}`)
    await refused(proof.slice(0, at) + proof.slice(at + 1))
  }
  await expect(verify(proof)).resolves.toEqual(claims)
})

test('arbitrary text throws only AAuthError', () => {
  const part = fc.oneof(
    fc.string(),
    fc.json().map(text => base64url.encode(text)),
  )
  fc.assert(
    fc.property(fc.array(part, { maxLength: 4 }), parts => {
      expect(() => parseKeyProof(parts.join('.'))).toThrow(AAuthError)
    }),
    { numRuns },
  )
})
