import { generateSigningKey, importVerifyKey } from '@countersign/httpsig'
import { type Sodium, verifyOn, verifyWith } from '@countersign/httpsig/node'
import { afterEach, expect, test } from 'vitest'
import { chooseEd25519, type Ed25519Settings } from './ed25519.js'

/** Takes the one signature that a library must know before it is used, and no other. */
const sodium: Sodium = { crypto_sign_verify_detached: (_, message) => message[0] === 0x72 }

afterEach(() => {
  verifyWith('node')
  verifyOn('caller')
})

/** Chooses, and tells which library has verified a signature of this process. */
async function chosen(settings: Ed25519Settings, load: () => Sodium): Promise<'node' | 'sodium'> {
  chooseEd25519(settings, load)
  const key = await generateSigningKey()
  const data = new TextEncoder().encode('data')
  return (await (await importVerifyKey(key.publicJwk)).verify(data, await key.sign(data))) ? 'node' : 'sodium'
}

const failing = (error: unknown) => (): never => {
  throw error
}

test('libsodium verifies where it is chosen, and is not loaded where it is not', async () => {
  expect(await chosen({ ed25519: 'sodium' }, () => sodium)).toBe('sodium')
  expect(await chosen({ ed25519: 'node' }, failing(new Error('loaded')))).toBe('node')
  expect(await chosen({}, failing(new Error('loaded')))).toBe('node')
})

test('a server does not start where libsodium is chosen and cannot be used', async () => {
  const given = { ed25519: 'sodium' } as const
  const missing = Object.assign(new Error("Cannot find module 'sodium-native'"), { code: 'MODULE_NOT_FOUND' })
  await expect(chosen(given, failing(missing))).rejects.toThrow(
    '--ed25519 sodium: sodium-native is not installed here: npm install sodium-native',
  )
  await expect(chosen(given, failing(new Error('wrong\nplatform')))).rejects.toThrow(
    '--ed25519 sodium: sodium-native cannot be used here: wrong\\u000aplatform',
  )
  await expect(chosen(given, failing('text'))).rejects.toThrow('cannot be used here: it does not load')
  await expect(chosen(given, () => ({}) as Sodium)).rejects.toThrow(
    'sodium-native cannot be used here: verifyWith takes',
  )
  const all: Sodium = { crypto_sign_verify_detached: () => true }
  await expect(chosen(given, () => all)).rejects.toThrow('does not verify signatures of Ed25519')
})
