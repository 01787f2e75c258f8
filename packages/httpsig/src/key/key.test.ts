import { verifies } from '@countersign/requirements'
import { beforeAll, describe, expect, test } from 'vitest'
import {
  type Algorithm,
  generatePrivateJwk,
  generateSigningKey,
  importSigningKey,
  importVerifyKey,
  type PrivateJwk,
  type SigningKey,
  signatureLength,
  type VerifyKey,
  verifyKeyCache,
} from '../index.js'
import { base64urlDecode, base64urlEncode, isSignatureLength } from '../internal.js'

const data = new TextEncoder().encode('data')

// RFC 8037 appendix A.1, A.3.
const okp = { kty: 'OKP', crv: 'Ed25519', alg: 'Ed25519', x: '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo' } as const
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

  test('a key verifies its own signatures, alone and many at once', async () => {
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

  test('a saved key can be imported again', async () => {
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

  test('a signature with any bit changed does not verify', async () => {
    const changed = Array.from({ length: length * 8 }, (_, bit) => {
      const bytes = Uint8Array.from(signature)
      bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) ^ (1 << (bit & 7))
      return bytes
    })
    const verdicts = await Promise.all(changed.map(each => verifier.verify(data, each)))
    expect(verdicts).toEqual(changed.map(() => false))
    expect(await verifier.verify(data, signature)).toBe(true)
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

test('a cache returns the same object for the same key, and keeps within its capacity', async () => {
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
  await expect(keys.import({ ...okp, x: base64urlEncode(new Uint8Array(32)) })).rejects.toMatchObject({
    code: 'unsupported_algorithm',
    status: 401,
  })
  expect(() => verifyKeyCache({ capacity: 0 })).toThrow(RangeError)
})
