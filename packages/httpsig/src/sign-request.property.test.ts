import fc from 'fast-check'
import { expect, test } from 'vitest'
import { generateSigningKey, type SignatureKey, type SigningKey, signRequest } from './index.js'

// Keys of this package sign without a promise, and what names a key is written once if it is frozen. Neither may change a byte.

const text = fc.string({ unit: fc.constantFrom(...'abcXYZ019-_.~'), minLength: 1, maxLength: 40 })
const printable = fc.string({ unit: fc.integer({ min: 0x20, max: 0x7e }).map(code => String.fromCharCode(code)) })
const signatureKeys: fc.Arbitrary<SignatureKey> = fc.oneof(
  fc.record({
    scheme: fc.constant('jwt'),
    jwt: fc.string({ unit: fc.constantFrom(...'abcXYZ019-_."\\'), minLength: 1 }),
  }),
  fc.record({ scheme: fc.constant('jwks_uri'), id: printable, kid: printable, dwk: text }),
)
const requests = fc.record({
  method: fc.constantFrom('GET', 'POST', 'DELETE'),
  url: fc
    .tuple(text, fc.option(text))
    .map(([path, query]) => `https://api.example/${path}${query === null ? '' : `?${query}`}`),
  headers: fc.array(fc.tuple(fc.constantFrom('Accept', 'x-one', 'X-Two'), printable), { maxLength: 4 }),
  body: fc.uint8Array({ maxLength: 200 }).map(bytes => new Uint8Array(bytes)),
  nonce: text,
  additionalComponents: fc.subarray(['x-one', 'x-two', '@scheme', '@target-uri']),
})

/** The same key behind a `sign` of its own, as a KMS has: it signs by a promise. */
const elsewhere = ({ algorithm, publicJwk, sign }: SigningKey): SigningKey => ({ algorithm, publicJwk, sign })

test('a key that signs at once, and a Signature-Key that is written once, give the bytes of the general way', async () => {
  const key = await generateSigningKey()
  const property = fc.asyncProperty(requests, signatureKeys, async ({ headers, ...request }, signatureKey) => {
    const options = {
      ...request,
      headers: [['content-type', 'text/plain'] as const, ...headers],
      now: () => 1_770_000_000,
    }
    const frozen = Object.freeze({ ...signatureKey })
    const general = await signRequest({ ...options, key: elsewhere(key), signatureKey })
    expect(await signRequest({ ...options, key, signatureKey: frozen })).toEqual(general)
    // Read back from what was written at the first time, for another request.
    const other = { ...options, method: 'PUT', nonce: 'other' }
    expect(await signRequest({ ...other, key, signatureKey: frozen })).toEqual(
      await signRequest({ ...other, key: elsewhere(key), signatureKey }),
    )
  })
  await fc.assert(property, { numRuns: 150 })
})

test('a name of a key that can still change is written anew each time', async () => {
  const key = await generateSigningKey()
  const signatureKey = { scheme: 'jwt' as const, jwt: 'one' }
  const written = async (): Promise<string | undefined> =>
    (await signRequest({ method: 'GET', url: 'https://api.example/', key, signatureKey }))[2]?.[1]
  expect(await written()).toBe('sig=jwt;jwt="one"')
  signatureKey.jwt = 'two'
  expect(await written()).toBe('sig=jwt;jwt="two"')
})

test('a key whose `sign` was replaced signs by that alone', async () => {
  const key = await generateSigningKey()
  const signed: Uint8Array[] = []
  const replaced = Object.assign(key, {
    sign: async (data: Uint8Array) => {
      signed.push(data)
      return new Uint8Array(64)
    },
  })
  const request = { method: 'GET', url: 'https://api.example/', signatureKey: { scheme: 'jwt', jwt: 'one' } as const }
  const lines = await signRequest({ ...request, key: replaced })
  expect(signed).toHaveLength(1)
  expect(lines[1]).toEqual(['signature', `sig=:${'A'.repeat(86)}==:`])
})
