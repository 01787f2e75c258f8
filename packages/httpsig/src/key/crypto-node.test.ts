import { describe, expect, test } from 'vitest'
import { parsePublicJwk } from '../index.js'
import { generate, importPrivate, importPublic, type Sodium, verifyOn, verifyWith } from './crypto-node.js'
import type { ImportedPublic } from './cryptography.js'
import { sodium, sodiumMissing } from './sodium.test.fixture.js'

const data = new TextEncoder().encode('data')

test.each(['caller', 'pool'] as const)('a key verifies the same on %s, and signs at once', async where => {
  const privateJwk = await generate('Ed25519')
  const { d, ...members } = privateJwk
  const signer = await importPrivate(privateJwk)
  const key = await importPublic(parsePublicJwk(members))
  verifyOn(where)
  try {
    const signature = await signer.sign(data)
    expect(await key.verify(data, signature)).toBe(true)
    expect(await key.verify(data.subarray(1), signature)).toBe(false)
    let isVerified = false
    key.verify(data, signature).then(verdict => {
      isVerified = verdict
    })
    // Turns of the microtask queue only: what runs on another thread cannot have come back.
    for (let turn = 0; turn < 10; turn++) await Promise.resolve()
    expect(isVerified).toBe(where === 'caller')
    expect(signer.signNow?.(data)).toEqual(signature)
  } finally {
    verifyOn('caller')
  }
})

/** A key, and a signature by it. */
async function signed(algorithm: 'Ed25519' | 'ES256') {
  const privateJwk = await generate(algorithm)
  const { d, ...members } = privateJwk
  const { sign } = await importPrivate(privateJwk)
  return { jwk: parsePublicJwk(members), signature: await sign(data) }
}

/** A library that is asked by nobody until it is sound; it counts how often it is asked. */
function counting(verdict: (...of: Parameters<Sodium['crypto_sign_verify_detached']>) => unknown) {
  const library = { asked: 0, crypto_sign_verify_detached: (...of: Parameters<typeof verdict>) => ask(...of) }
  function ask(...of: Parameters<typeof verdict>): boolean {
    library.asked++
    return verdict(...of) as boolean
  }
  return library
}

describe('a library that verifies Ed25519', () => {
  const rightOnce = (message: Uint8Array): boolean => message[0] === 0x72

  test.skipIf(sodium === undefined)(
    `sodium-native: keys of before and after verify alike${sodiumMissing}`,
    async () => {
      const { jwk, signature } = await signed('Ed25519')
      const before = await importPublic(jwk)
      try {
        verifyWith(sodium as Sodium)
        const after = await importPublic(jwk)
        verifyWith('node')
        const back = (key: ImportedPublic): Promise<unknown> =>
          Promise.all([key.verify(data, signature), key.verify(data.subarray(1), signature)])
        expect(await back(after)).toEqual([true, false])
        verifyWith(sodium as Sodium)
        for (const key of [before, after]) expect(await back(key)).toEqual([true, false])
      } finally {
        verifyWith('node')
      }
    },
  )

  test('is asked for Ed25519 only, on the calling thread, and its word is exactly true', async () => {
    const verdicts: unknown[] = []
    const library = counting((_, message) => (verdicts.length > 0 ? verdicts.shift() : rightOnce(message)))
    const [edwards, curve] = [await signed('Ed25519'), await signed('ES256')]
    try {
      verifyWith(library)
      verifyOn('pool')
      expect(library.asked).toBe(2)
      const key = await importPublic(edwards.jwk)
      verdicts.push(true, 1, 'true', {})
      for (const verdict of [true, false, false, false]) expect(await key.verify(data, edwards.signature)).toBe(verdict)
      expect(library.asked).toBe(6)
      expect(await (await importPublic(curve.jwk)).verify(data, curve.signature)).toBe(true)
      expect(library.asked).toBe(6)
    } finally {
      verifyWith('node')
      verifyOn('caller')
    }
  })

  test('is refused where it is none, or takes a wrong signature for a right one or a right one for a wrong one', async () => {
    for (const library of [undefined, null, 'sodium', {}, { crypto_sign_verify_detached: true }])
      expect(() => verifyWith(library as never)).toThrow(TypeError)
    for (const verdict of [true, false, 1, undefined])
      expect(() => verifyWith(counting(() => verdict))).toThrow('does not verify signatures of Ed25519')
    expect(() => verifyWith(counting((_, message) => !rightOnce(message)))).toThrow('does not verify')
    const { jwk, signature } = await signed('Ed25519')
    const key = await importPublic(jwk)
    expect([await key.verify(data, signature), await key.verify(data.subarray(1), signature)]).toEqual([true, false])
  })
})
