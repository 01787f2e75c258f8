import { generateSigningKey, importVerifyKey } from '@countersign/httpsig'
import { type Sodium, verifyWith } from '@countersign/httpsig/node'
import type { Logger } from '@countersign/server'
import { afterEach, expect, test } from 'vitest'
import { chooseEd25519, type Ed25519Settings } from './ed25519.js'

// The one signature that a library must know before it is used.
const isKnown = (message: Uint8Array): boolean => message[0] === 0x72
const sodium: Sodium = { crypto_sign_verify_detached: (_, message) => isKnown(message) }
const missing = Object.assign(new Error("Cannot find module 'sodium-native'"), { code: 'MODULE_NOT_FOUND' })

afterEach(() => verifyWith('node'))

/** Chooses, and tells which library has verified a signature of this process, and what was logged. */
async function chosen(settings: Ed25519Settings, load: () => Sodium, isFips = false) {
  const warned: unknown[] = []
  const log = { warn: (fields: object, text: string) => warned.push({ ...fields, text }) } as unknown as Logger
  chooseEd25519(settings, log, { load, isFips })
  const key = await generateSigningKey()
  const data = new TextEncoder().encode('data')
  // The library of this test takes no other signature than the one it must know.
  const isValid = await (await importVerifyKey(key.publicJwk)).verify(data, await key.sign(data))
  return { by: isValid ? 'node' : 'sodium', warned }
}

const failing = (error: unknown) => (): never => {
  throw error
}

test('libsodium verifies where it is installed, unless node:crypto is chosen or OpenSSL is in FIPS mode', async () => {
  expect(await chosen({}, () => sodium)).toEqual({ by: 'sodium', warned: [] })
  expect(await chosen({ ed25519: 'sodium' }, () => sodium)).toEqual({ by: 'sodium', warned: [] })
  expect(await chosen({ ed25519: 'node' }, () => sodium)).toEqual({ by: 'node', warned: [] })
  expect(await chosen({}, () => sodium, true)).toEqual({ by: 'node', warned: [] })
  expect(await chosen({ ed25519: 'sodium' }, () => sodium, true)).toEqual({ by: 'sodium', warned: [] })
})

test('node:crypto verifies where libsodium is not installed, and where it cannot be used, which is logged', async () => {
  expect(await chosen({}, failing(missing))).toEqual({ by: 'node', warned: [] })
  const { by, warned } = await chosen({}, failing(new Error('wrong\nplatform')))
  expect(by).toBe('node')
  expect(warned).toEqual([
    expect.objectContaining({ event: 'sodium_unusable', text: 'sodium-native cannot be used here: wrong\\u000aplatform' }),
  ])
  const all: Sodium = { crypto_sign_verify_detached: () => true }
  expect(await chosen({}, () => all)).toMatchObject({ by: 'node', warned: [{ event: 'sodium_unusable' }] })
})

test('a server does not start where libsodium is chosen and cannot be used', async () => {
  const given = { ed25519: 'sodium' } as const
  await expect(chosen(given, failing(missing))).rejects.toThrow(
    '--ed25519 sodium: sodium-native is not installed here: npm install sodium-native',
  )
  await expect(chosen(given, failing('text'))).rejects.toThrow('cannot be used here: it does not load')
  await expect(chosen(given, () => ({}) as Sodium)).rejects.toThrow(
    '--ed25519 sodium: sodium-native cannot be used here',
  )
})
