import { createPublicKey, verify } from 'node:crypto'
import { sodium, sodiumMissing } from '@countersign/testing/sodium'
import { afterEach, describe, expect, test } from 'vitest'
import { parsePublicJwk } from '../index.js'
import { generate, importPrivate, importPublic, verifyOn } from './crypto-node.js'
import { type Sodium, verifyWith } from './sodium.js'

const data = new TextEncoder().encode('data')

afterEach(() => {
  verifyWith('node')
  verifyOn('caller')
})

/** A key, and its signature of {@link data}. */
async function signed(algorithm: 'Ed25519' | 'ES256') {
  const privateJwk = await generate(algorithm)
  const { d, ...members } = privateJwk
  const { sign } = await importPrivate(privateJwk)
  return { jwk: parsePublicJwk(members), signature: await sign(data), sign }
}

const judge: Sodium['crypto_sign_verify_detached'] = (signature, message, publicKey) => {
  const x = Buffer.from(publicKey).toString('base64url')
  const key = createPublicKey({ format: 'jwk', key: { kty: 'OKP', crv: 'Ed25519', x } })
  return verify(null, message, key, signature)
}

/** A library that judges right, counts how often it is asked, and can be told what to say. */
function counting() {
  const library = {
    asked: 0,
    says: undefined as unknown,
    crypto_sign_verify_detached(...of: Parameters<typeof judge>): boolean {
      library.asked++
      return library.says === undefined ? judge(...of) : (library.says as boolean)
    },
  }
  return library
}

/** One that judges right but for the signatures that `wrong` picks. */
function misjudging(wrong: (...of: Parameters<typeof judge>) => boolean): Sodium {
  return { crypto_sign_verify_detached: (...of) => judge(...of) !== wrong(...of) }
}

describe('a library that verifies Ed25519', () => {
  test('is asked under keys that were imported before and after it was chosen, and no more once node:crypto is', async () => {
    const library = counting()
    const { jwk, signature } = await signed('Ed25519')
    const before = await importPublic(jwk)
    verifyWith(library)
    const after = await importPublic(jwk)
    const tries = library.asked
    for (const key of [before, after])
      expect([await key.verify(data, signature), await key.verify(data.subarray(1), signature)]).toEqual([true, false])
    expect(library.asked).toBe(tries + 4)
    verifyWith('node')
    for (const key of [before, after])
      expect([await key.verify(data, signature), await key.verify(data.subarray(1), signature)]).toEqual([true, false])
    expect(library.asked).toBe(tries + 4)
  })

  test('is asked at once, for Ed25519 only, and its word is exactly true', async () => {
    const library = counting()
    const [edwards, curve] = [await signed('Ed25519'), await signed('ES256')]
    verifyWith(library)
    verifyOn('pool')
    const tries = library.asked
    const key = await importPublic(edwards.jwk)
    for (const says of [true, 1, 'true', {}, false]) {
      library.says = says
      const verdict = key.verify(data, edwards.signature)
      expect(await verdict).toBe(says === true)
    }
    expect(library.asked).toBe(tries + 5)
    const pending = key.verify(data, edwards.signature)
    expect(library.asked).toBe(tries + 6)
    await pending
    expect(await (await importPublic(curve.jwk)).verify(data, curve.signature)).toBe(true)
    expect(library.asked).toBe(tries + 6)
  })

  test('is not asked about a message that it would misread: shared memory, and 2 GiB or more', async () => {
    const library = counting()
    const { jwk, signature } = await signed('Ed25519')
    verifyWith(library)
    const tries = library.asked
    const key = await importPublic(jwk)
    const shared = new Uint8Array(new SharedArrayBuffer(data.length))
    shared.set(data)
    expect(await key.verify(shared, signature)).toBe(true)
    // Never written, so the system gives it no memory.
    await expect(key.verify(new Uint8Array(2 ** 31), signature)).rejects.toThrow(RangeError)
    expect(library.asked).toBe(tries)
  })

  test('stays the one that was tried, whatever its object becomes', async () => {
    const library = counting()
    const { jwk, signature } = await signed('Ed25519')
    verifyWith(library)
    library.crypto_sign_verify_detached = () => true
    expect(await (await importPublic(jwk)).verify(data.subarray(1), signature)).toBe(false)
  })

  const known = (message: Uint8Array): boolean => message[0] === 0x72
  test.each<readonly [string, Sodium]>([
    ['takes all signatures', misjudging((...of) => !judge(...of))],
    ['takes none', misjudging(judge)],
    ['does not look at the message', misjudging((_, message) => message[0] === 0x73)],
    ['does not look at the key', misjudging((_, message, key) => known(message) && key[0] === 0xfc)],
    ['does not look at R', misjudging((signature, message) => known(message) && signature[0] === 0x93)],
    ['takes an S above the order', misjudging((signature, message) => known(message) && (signature[63] ?? 0) >= 0x10)],
    ['multiplies by the cofactor', misjudging((_, message) => message.length === 32)],
    ['says 1 for true', { crypto_sign_verify_detached: (...of) => Number(judge(...of)) as unknown as boolean }],
    [
      'throws',
      {
        crypto_sign_verify_detached() {
          throw new Error('not ready')
        },
      },
    ],
  ])('is refused where it %s', async (_, library) => {
    expect(() => verifyWith(library)).toThrow('does not verify signatures of Ed25519 as RFC 8032 says')
    const { jwk, signature } = await signed('Ed25519')
    const key = await importPublic(jwk)
    expect([await key.verify(data, signature), await key.verify(data.subarray(1), signature)]).toEqual([true, false])
  })

  test('is refused where it is none', () => {
    for (const library of [undefined, null, 'sodium', {}, { crypto_sign_verify_detached: true }])
      expect(() => verifyWith(library as never)).toThrow(TypeError)
  })

  test.skipIf(sodium === undefined)(`may be sodium-native${sodiumMissing}`, async () => {
    verifyWith(sodium as Sodium)
    const { jwk, signature } = await signed('Ed25519')
    const key = await importPublic(jwk)
    expect([await key.verify(data, signature), await key.verify(data.subarray(1), signature)]).toEqual([true, false])
  })
})
