import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { type Algorithm, base64urlEncode, importVerifyKey } from './index.js'

// Vectors from outside, which this repository does not carry:
//   wycheproof/  github.com/C2SP/wycheproof, testvectors_v1
//   ed25519-speccheck.json  github.com/novifinancial/ed25519-speccheck, cases.json
// COUNTERSIGN_VECTORS names the folder that holds them.
const folder = process.env['COUNTERSIGN_VECTORS'] ?? ''

interface Wycheproof {
  readonly testGroups: ReadonlyArray<{
    readonly publicKeyJwk?: { readonly x: string; readonly y?: string }
    readonly tests: ReadonlyArray<{
      readonly tcId: number
      readonly comment: string
      readonly msg: string
      readonly sig: string
      readonly result: string
    }>
  }>
}

interface SpeccheckCase {
  readonly message: string
  readonly pub_key: string
  readonly signature: string
}

const read = (file: string): unknown => JSON.parse(readFileSync(join(folder, file), 'utf8'))
const bytes = (hex: string): Uint8Array => Uint8Array.from(Buffer.from(hex, 'hex'))

async function verifies(
  algorithm: Algorithm,
  jwk: { x: string; y?: string },
  message: string,
  signature: string,
): Promise<boolean> {
  const { x, y = '' } = jwk
  try {
    const key = await importVerifyKey(
      algorithm === 'Ed25519'
        ? { kty: 'OKP', crv: 'Ed25519', alg: 'Ed25519', x }
        : { kty: 'EC', crv: 'P-256', alg: 'ES256', x, y },
    )
    return await key.verify(bytes(message), bytes(signature))
  } catch {
    return false
  }
}

describe.skipIf(folder === '')('vectors (set COUNTERSIGN_VECTORS to their folder)', () => {
  test.each([
    ['Ed25519', 'wycheproof/ed25519.json'],
    ['ES256', 'wycheproof/ecdsa_secp256r1_sha256_p1363.json'],
  ] as const)('Wycheproof %s', async (algorithm, file) => {
    const { testGroups } = read(file) as Wycheproof
    let ran = 0
    for (const { publicKeyJwk, tests } of testGroups) {
      if (publicKeyJwk === undefined) continue
      for (const { tcId, comment, msg, sig, result } of tests) {
        expect(await verifies(algorithm, publicKeyJwk, msg, sig), `${tcId} ${comment}`).toBe(result === 'valid')
        ran++
      }
    }
    expect(ran).toBeGreaterThan(100)
  })

  test('ed25519-speccheck: small-order and non-canonical points, S beyond the order', async () => {
    const cases = read('ed25519-speccheck.json') as readonly SpeccheckCase[]
    const verdicts = await Promise.all(
      cases.map(({ message, pub_key, signature }) =>
        verifies('Ed25519', { x: base64urlEncode(bytes(pub_key)) }, message, signature),
      ),
    )
    // 0, 1: small-order A. 2: small-order A is cofactored only. 3: mixed-order A, valid under both equations. 4: cofactored only.
    // 5: cofactored only. 6, 7: S not below the order. 8, 9: non-canonical R. 10, 11: non-canonical A.
    expect(verdicts.slice(6)).toEqual([false, false, false, false, false, false])
    expect(verdicts.slice(0, 2)).toEqual([false, false])
  })
})
