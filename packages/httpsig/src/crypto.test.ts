import { expect, test } from 'vitest'
import { parsePublicJwk } from './index.js'
import * as node from './key/crypto-node.js'
import * as web from './key/crypto-web.js'
import type { Cryptography } from './key/cryptography.js'
import { generateKeyPair, signingKeyOf } from './web.js'

// The two halves of `#crypto` must be one.

const halves: ReadonlyArray<readonly [string, Cryptography]> = [
  ['node', node satisfies Cryptography],
  ['web', web satisfies Cryptography],
]
const data = new TextEncoder().encode('data')

test.each(
  halves.flatMap(([made, maker]) =>
    (['Ed25519', 'ES256', 'ES384', 'PS512'] as const).map(algorithm => ({ made, maker, algorithm })),
  ),
)('a key made by $made for $algorithm signs and verifies in both', async ({ maker, algorithm }) => {
  const privateJwk = await maker.generate(algorithm)
  const { d, p, q, dp, dq, qi, ...members } = { p: '', q: '', dp: '', dq: '', qi: '', ...privateJwk }
  const jwk = parsePublicJwk(members)
  expect(jwk).toEqual(members)
  for (const [, signer] of halves) {
    const signature = await (await signer.importPrivate(privateJwk)).sign(data)
    expect(signature).toHaveLength({ Ed25519: 64, ES256: 64, ES384: 96, PS512: 384 }[algorithm])
    for (const [, verifier] of halves) {
      const key = await verifier.importPublic(jwk)
      expect(await key.verify(data, signature)).toBe(true)
      expect(await key.verify(data.subarray(1), signature)).toBe(false)
    }
  }
})

test.each(
  halves.flatMap(([made, maker]) =>
    (['Ed25519', 'ES256', 'ES384', 'PS512'] as const).map(algorithm => ({ made, maker, algorithm })),
  ),
)('a pair made by $made for $algorithm signs, and both verify', async ({ maker, algorithm }) => {
  const { jwk, sign } = await maker.generatePair(algorithm)
  const { kty, crv, x, y, n, e, alg }: Partial<Record<string, string>> = { ...jwk }
  const signature = await sign(data)
  for (const [, verifier] of halves) {
    const key = await verifier.importPublic(parsePublicJwk({ kty, crv, x, y, n, e, alg }))
    expect(await key.verify(data, signature)).toBe(true)
    expect(await key.verify(data.subarray(1), signature)).toBe(false)
  }
})

test('a key pair of a page signs, and its private part cannot be exported', async () => {
  const pair = await generateKeyPair('ES256')
  expect(pair.privateKey.extractable).toBe(false)
  const key = await signingKeyOf(pair, 'ES256')
  expect(Object.keys(key.publicJwk)).toEqual(['kty', 'crv', 'x', 'y', 'alg'])
  const verifier = await node.importPublic(key.publicJwk)
  expect(await verifier.verify(data, await key.sign(data))).toBe(true)
})

test('digests and random bytes', async () => {
  for (const input of [data, 'dätä', '']) {
    expect(Uint8Array.from(await node.sha256(input))).toEqual(await web.sha256(input))
    expect(Uint8Array.from(await node.sha512(input))).toEqual(await web.sha512(input))
  }
  for (const [, half] of halves) {
    const drawn = Array.from({ length: 1000 }, () => half.random16())
    expect(new Set(drawn).size).toBe(1000)
    for (const text of drawn) expect(text).toMatch(/^[A-Za-z0-9_-]{22}$/)
  }
})

test('both halves refuse a point that is not on the curve', async () => {
  const p256 = { kty: 'EC', crv: 'P-256', alg: 'ES256', x: `${'A'.repeat(42)}E`, y: `${'A'.repeat(42)}E` } as const
  const p384 = { kty: 'EC', crv: 'P-384', alg: 'ES384', x: `${'A'.repeat(63)}B`, y: `${'A'.repeat(63)}B` } as const
  for (const [name, half] of halves)
    for (const off of [p256, p384]) await expect((async () => half.importPublic(off))(), name).rejects.toThrow()
})

test('a private scalar with leading zeros keeps its 32 bytes', async () => {
  for (let i = 0; i < 600; i++) expect((await node.generate('ES256')).d).toHaveLength(43)
  for (let i = 0; i < 600; i++) expect((await node.generate('ES384')).d).toHaveLength(64)
})
