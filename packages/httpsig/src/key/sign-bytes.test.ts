import { verifies } from '@countersign/requirements'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { generateSigningKey, SigningKeyError, signMessage, signRequest } from '../index.js'
import { signBytes } from '../internal.js'

const key = await generateSigningKey()
const request = {
  method: 'GET',
  url: 'https://calendar.example/agenda',
  signatureKey: { scheme: 'hwk', jwk: key.publicJwk },
} as const
const message = { method: 'GET', target: '/', scheme: 'https', authority: 'calendar.example', headers: [] } as const

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
})
afterEach(() => {
  vi.useRealTimers()
})

test(
  verifies('F-80', 'a key that fails, or gives no signature within 5 s, is an error that says to try later'),
  async () => {
    const cause = new Error('ECONNREFUSED')
    const away = { ...key, sign: () => Promise.reject(cause) }
    const silent = { ...key, sign: () => new Promise<never>(() => {}) }
    const thrown = {
      ...key,
      sign: () => {
        throw cause
      },
    }
    for (const broken of [away, thrown]) {
      await expect(signBytes(broken, new Uint8Array(3))).rejects.toMatchObject({ transient: true, cause })
      await expect(signRequest({ ...request, key: broken })).rejects.toThrow(SigningKeyError)
      await expect(signMessage({ message, key: broken, components: ['@method'] })).rejects.toThrow(SigningKeyError)
    }
    for (const signing of [
      () => signRequest({ ...request, key: silent }),
      () => signMessage({ message, key: silent, components: ['@method'] }),
    ]) {
      let ended: unknown = 'not yet'
      const settled = signing().catch((error: unknown) => {
        ended = error
      })
      await vi.advanceTimersByTimeAsync(4999)
      expect(ended).toBe('not yet')
      await vi.advanceTimersByTimeAsync(1)
      await settled
      expect(ended).toMatchObject({ name: 'SigningKeyError', transient: true })
    }
    expect(await signBytes(key, new Uint8Array(3))).toHaveLength(64)
    expect(await signRequest({ ...request, key })).toHaveLength(3)
    expect(await signMessage({ message, key, components: ['@method'] })).toHaveLength(2)
    expect(vi.getTimerCount()).toBe(0)
  },
)

test('a key that signs in another encoding is a TypeError, whatever is signed', async () => {
  const der = { ...key, sign: async (data: Uint8Array) => Uint8Array.from([0x30, 68, ...(await key.sign(data))]) }
  await expect(signMessage({ message, key: der, components: ['@method'] })).rejects.toThrow(TypeError)
  await expect(signRequest({ ...request, key: der })).rejects.toThrow(TypeError)
})

test('a key that returns a signature without a promise signs, too', async () => {
  const signature = await signBytes(key, new Uint8Array(3))
  const atOnce = { ...key, sign: () => signature as unknown as Promise<Uint8Array> }
  expect(await signBytes(atOnce, new Uint8Array(3))).toEqual(signature)
})
