import { sodium, sodiumMissing, sodiumOfNode } from '@countersign/testing/sodium'
import { afterEach, describe, expect, test } from 'vitest'
import { parsePublicJwk } from '../index.js'
import { generate, importPrivate, importPublic, verifyOn } from './crypto-node.js'
import { ed25519With, type Sodium } from './sodium.js'

const data = new TextEncoder().encode('data')

afterEach(() => {
  ed25519With('node')
  verifyOn('caller')
})

/** A key, and its signature of {@link data}. */
async function signed(algorithm: 'Ed25519' | 'ES256') {
  const privateJwk = await generate(algorithm)
  const { d, ...members } = privateJwk
  const { sign } = await importPrivate(privateJwk)
  return { jwk: parsePublicJwk(members), signature: await sign(data), sign }
}

const { crypto_sign_verify_detached: judge, crypto_sign_detached: make } = sodiumOfNode

/** A library that judges right, counts how often it is asked, and can be told what to say. */
function counting() {
  const library = {
    asked: 0,
    says: undefined as unknown,
    made: 0,
    /** Of the last signature that it made, base64url. */
    publicKey: '',
    crypto_sign_verify_detached(...of: Parameters<typeof judge>): boolean {
      library.asked++
      return library.says === undefined ? judge(...of) : (library.says as boolean)
    },
    crypto_sign_detached(...of: Parameters<typeof make>): void {
      library.made++
      library.publicKey = Buffer.from(of[2].subarray(32)).toString('base64url')
      make(...of)
    },
  }
  return library
}

/** One that judges right but for the signatures that `wrong` picks. */
function misjudging(wrong: (...of: Parameters<typeof judge>) => boolean): Sodium {
  return { ...sodiumOfNode, crypto_sign_verify_detached: (...of) => judge(...of) !== wrong(...of) }
}

describe('a library that makes and verifies signatures of Ed25519', () => {
  test('is asked under keys that were imported before and after it was chosen, and no more once node:crypto is', async () => {
    const library = counting()
    const { jwk, signature } = await signed('Ed25519')
    const before = await importPublic(jwk)
    ed25519With(library)
    const after = await importPublic(jwk)
    const tries = library.asked
    for (const key of [before, after])
      expect([await key.verify(data, signature), await key.verify(data.subarray(1), signature)]).toEqual([true, false])
    expect(library.asked).toBe(tries + 4)
    ed25519With('node')
    for (const key of [before, after])
      expect([await key.verify(data, signature), await key.verify(data.subarray(1), signature)]).toEqual([true, false])
    expect(library.asked).toBe(tries + 4)
  })

  test('is asked at once, for Ed25519 only, and its word is exactly true', async () => {
    const library = counting()
    const [edwards, curve] = [await signed('Ed25519'), await signed('ES256')]
    ed25519With(library)
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
    const { jwk, signature, sign } = await signed('Ed25519')
    ed25519With(library)
    const tries = library.asked + library.made
    const key = await importPublic(jwk)
    const shared = new Uint8Array(new SharedArrayBuffer(data.length))
    shared.set(data)
    expect(await key.verify(shared, signature)).toBe(true)
    expect(new Uint8Array(await sign(shared))).toEqual(new Uint8Array(signature))
    // Never written, so the system gives it no memory.
    await expect(key.verify(new Uint8Array(2 ** 31), signature)).rejects.toThrow(RangeError)
    await expect(sign(new Uint8Array(2 ** 31))).rejects.toThrow(RangeError)
    expect(library.asked + library.made).toBe(tries)
  })

  test('makes the signatures of node:crypto, with keys from before and after it was chosen, until node:crypto does again', async () => {
    const library = counting()
    const privateJwk = await generate('Ed25519')
    const before = await importPrivate(privateJwk)
    const signature = new Uint8Array(await before.sign(data))
    ed25519With(library)
    const after = await importPrivate(privateJwk)
    const tries = library.made
    for (const key of [before, after]) expect(await key.sign(data)).toEqual(signature)
    expect(library.made).toBe(tries + 2)
    ed25519With('node')
    for (const key of [before, after]) expect(new Uint8Array(await key.sign(data))).toEqual(signature)
    expect(library.made).toBe(tries + 2)
  })

  test('makes no signatures of ES256', async () => {
    const library = counting()
    const { sign } = await signed('ES256')
    ed25519With(library)
    const tries = library.made
    await sign(data)
    expect(library.made).toBe(tries)
  })

  test('gets the public key that belongs to the seed, whatever a saved key says', async () => {
    const library = counting()
    const [own, other] = [await generate('Ed25519'), await generate('Ed25519')]
    ed25519With(library)
    // Two signatures of one seed under two public keys reveal the private one.
    const mixed = { ...other, d: own.d }
    const signing = (async () => (await importPrivate(mixed)).sign(data))()
    const isRefused = await signing.then(
      () => false,
      () => true,
    )
    // Newer releases of Node refuse such a key.
    if (isRefused) await expect(signing).rejects.toThrow('Invalid JWK OKP key')
    else expect(own).toMatchObject({ x: library.publicKey })
  })

  test('stays the one that was tried, whatever its object becomes', async () => {
    const library = counting()
    const { jwk, signature, sign } = await signed('Ed25519')
    ed25519With(library)
    library.crypto_sign_verify_detached = () => true
    library.crypto_sign_detached = () => undefined
    expect(await (await importPublic(jwk)).verify(data.subarray(1), signature)).toBe(false)
    expect(await sign(data)).toEqual(new Uint8Array(signature))
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
    [
      'says 1 for true',
      { ...sodiumOfNode, crypto_sign_verify_detached: (...of) => Number(judge(...of)) as unknown as boolean },
    ],
    [
      'throws when it verifies',
      {
        ...sodiumOfNode,
        crypto_sign_verify_detached() {
          throw new Error('not ready')
        },
      },
    ],
    [
      'throws when it signs',
      {
        ...sodiumOfNode,
        crypto_sign_detached() {
          throw new Error('not ready')
        },
      },
    ],
    ['makes no signature', { ...sodiumOfNode, crypto_sign_detached: () => undefined }],
    [
      'makes another signature than RFC 8032 says',
      {
        ...sodiumOfNode,
        crypto_sign_detached(signature, message, secretKey) {
          make(signature, message, secretKey)
          signature[0] = (signature[0] ?? 0) ^ 1
        },
      },
    ],
  ])('is refused where it %s', async (_, library) => {
    expect(() => ed25519With(library)).toThrow('does not make and verify signatures of Ed25519 as RFC 8032 says')
    const { jwk, signature } = await signed('Ed25519')
    const key = await importPublic(jwk)
    expect([await key.verify(data, signature), await key.verify(data.subarray(1), signature)]).toEqual([true, false])
  })

  test('is refused where it is none', () => {
    for (const library of [
      undefined,
      null,
      'sodium',
      {},
      { ...sodiumOfNode, crypto_sign_verify_detached: true },
      { crypto_sign_detached: make },
      { crypto_sign_verify_detached: judge },
    ])
      expect(() => ed25519With(library as never)).toThrow(TypeError)
  })

  test.skipIf(sodium === undefined)(`may be sodium-native${sodiumMissing}`, async () => {
    const { jwk, signature, sign } = await signed('Ed25519')
    const messages = [0, 1, 64, 1000, 100_000].map(length => new Uint8Array(length).fill(length))
    const byNode = await Promise.all(messages.map(sign))
    ed25519With(sodium as Sodium)
    const key = await importPublic(jwk)
    expect([await key.verify(data, signature), await key.verify(data.subarray(1), signature)]).toEqual([true, false])
    for (const [at, message] of messages.entries())
      expect(await sign(message)).toEqual(new Uint8Array(byNode[at] ?? []))
  })
})
