import { UsageError } from '@countersign/fetch/internal'
import { generateSigningKey, importVerifyKey } from '@countersign/httpsig'
import { ed25519With, type Sodium } from '@countersign/httpsig/node'
import { sodiumOfNode } from '@countersign/testing/sodium'
import { afterEach, expect, test } from 'vitest'
import { chooseEd25519, type Ed25519Settings } from './ed25519.js'

afterEach(() => ed25519With('node'))

/** A library that judges and signs right, and counts how often it is asked. */
function counting() {
  const library = {
    asked: 0,
    crypto_sign_verify_detached(...of: Parameters<Sodium['crypto_sign_verify_detached']>): boolean {
      library.asked++
      return sodiumOfNode.crypto_sign_verify_detached(...of)
    },
    crypto_sign_detached(...of: Parameters<Sodium['crypto_sign_detached']>): void {
      library.asked++
      sodiumOfNode.crypto_sign_detached(...of)
    },
  }
  return library
}

/** How often the library is asked to make a signature and verify it in this process, after a choice. */
async function timesAsked(settings: Ed25519Settings): Promise<number> {
  const library = counting()
  chooseEd25519(settings, { load: () => library, isFips: false })
  const tries = library.asked
  const key = await generateSigningKey()
  const data = new TextEncoder().encode('data')
  expect(await (await importVerifyKey(key.publicJwk)).verify(data, await key.sign(data))).toBe(true)
  return library.asked - tries
}

test('libsodium signs and verifies where it is chosen, and is not even loaded where it is not', async () => {
  expect(await timesAsked({ ed25519: 'sodium' })).toBe(2)
  expect(await timesAsked({ ed25519: 'node' })).toBe(0)
  expect(await timesAsked({})).toBe(0)
  const load = (): never => {
    throw new Error('loaded')
  }
  for (const settings of [{}, { ed25519: 'node' }] as const)
    expect(() => chooseEd25519(settings, { load, isFips: true })).not.toThrow()
})

const withCode = (code: string, message: string) => Object.assign(new Error(message), { code })
const cause = new Error("version `GLIBC_2.33' not found\n(required by sodium-native.node)")

test.each<readonly [string, () => Sodium, string]>([
  [
    'is not installed',
    failing(withCode('MODULE_NOT_FOUND', "Cannot find module 'sodium-native'\nRequire stack:")),
    'sodium-native is not installed beside the command: npm install sodium-native',
  ],
  [
    'lacks a part of its own',
    failing(withCode('MODULE_NOT_FOUND', "Cannot find module 'require-addon'\nRequire stack:")),
    "sodium-native cannot be used here: Cannot find module 'require-addon'",
  ],
  [
    'has no build for this system',
    failing(withCode('ADDON_NOT_FOUND', "Cannot find addon '.'\nCandidates:\n- a\n- b")),
    `sodium-native has no build for ${process.platform} on ${process.arch}`,
  ],
  [
    'has a build that does not load',
    failing(Object.assign(new Error('Cannot load addon'), { code: 'CANNOT_LOAD', cause })),
    "sodium-native cannot be used here: version `GLIBC_2.33' not found",
  ],
  ['is another thing', () => ({}) as Sodium, 'sodium-native cannot be used here: ed25519With takes'],
  [
    'misjudges',
    () => ({ ...counting(), crypto_sign_verify_detached: () => true }),
    'sodium-native cannot be used here: the library does not make and verify signatures of Ed25519',
  ],
  ['throws no error', failing('text'), 'sodium-native does not load'],
])('a server does not start where libsodium is chosen and %s', (_, load, reason) => {
  const choose = (): void => chooseEd25519({ ed25519: 'sodium' }, { load, isFips: false })
  expect(choose).toThrow(UsageError)
  expect(choose).toThrow(`--ed25519 sodium: ${reason}`)
})

test('a server does not start where libsodium is chosen and OpenSSL is in FIPS mode', () => {
  const choose = (): void => chooseEd25519({ ed25519: 'sodium' }, { load: counting, isFips: true })
  expect(choose).toThrow('--ed25519 sodium: libsodium is not validated for FIPS mode: use node')
})

function failing(error: unknown): () => never {
  return () => {
    throw error
  }
}
