import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { verifies } from '@countersign/requirements'
import { sodium, sodiumMissing } from '@countersign/testing/sodium'
import { describe, expect, test } from 'vitest'
import { importVerifyKey, type PublicJwk, parsePublicJwk } from './index.js'
import { base64urlEncode } from './internal.js'
import { ed25519With } from './node.js'

// Vectors from outside, which this repository does not carry; COUNTERSIGN_VECTORS names the folder that holds them.
const folder = process.env['COUNTERSIGN_VECTORS'] ?? ''
const wycheproof = 'set COUNTERSIGN_VECTORS; wycheproof/ is testvectors_v1 of github.com/C2SP/wycheproof'
const speccheck =
  'set COUNTERSIGN_VECTORS; ed25519-speccheck.json is cases.json of github.com/novifinancial/ed25519-speccheck'

interface Vector {
  readonly tcId: number
  readonly comment: string
  readonly msg: string
  readonly sig: string
  readonly result: 'valid' | 'invalid' | 'acceptable'
}

interface Group {
  /** Left out where the key has no JWK form. */
  readonly publicKeyJwk?: Record<string, string>
  readonly publicKey: { readonly uncompressed?: string }
  readonly tests: readonly Vector[]
}

interface SpeccheckCase {
  readonly message: string
  readonly pub_key: string
  readonly signature: string
}

const read = (file: string): unknown => JSON.parse(readFileSync(join(folder, file), 'utf8'))
const groupsOf = (file: string): readonly Group[] =>
  (read(`wycheproof/${file}`) as { testGroups: readonly Group[] }).testGroups
const bytes = (hex: string): Uint8Array<ArrayBuffer> => Uint8Array.from(Buffer.from(hex, 'hex'))

/** What we say to a signature: a key that is refused verifies nothing. */
async function ours(jwk: object, message: string, signature: string): Promise<boolean> {
  let publicJwk: PublicJwk
  try {
    publicJwk = parsePublicJwk(jwk)
  } catch {
    return false
  }
  return (await importVerifyKey(publicJwk)).verify(bytes(message), bytes(signature))
}

/** Runs while libsodium makes and verifies signatures of Ed25519. */
async function bySodium(run: () => Promise<void>): Promise<void> {
  if (sodium === undefined) throw new Error('libsodium is not there')
  ed25519With(sodium)
  try {
    await run()
  } finally {
    ed25519With('node')
  }
}

const web = {
  Ed25519: [{ name: 'Ed25519' }, { name: 'Ed25519' }],
  ES256: [
    { name: 'ECDSA', namedCurve: 'P-256' },
    { name: 'ECDSA', hash: 'SHA-256' },
  ],
  ES384: [
    { name: 'ECDSA', namedCurve: 'P-384' },
    { name: 'ECDSA', hash: 'SHA-384' },
  ],
  PS512: [
    { name: 'RSA-PSS', hash: 'SHA-512' },
    { name: 'RSA-PSS', saltLength: 64 },
  ],
} as const

/** What bare WebCrypto says to it. */
async function bare(alg: keyof typeof web, jwk: object, message: string, signature: string): Promise<boolean> {
  const [key, operation] = web[alg]
  const { alg: _, kid, ...members } = jwk as Record<string, string>
  try {
    const imported = await crypto.subtle.importKey('jwk', members, key, false, ['verify'])
    return await crypto.subtle.verify(operation, imported, bytes(signature), bytes(message))
  } catch {
    return false
  }
}

/** The key of a group; groups without a JWK have an uncompressed point. */
function jwkOf({ publicKeyJwk, publicKey }: Group, alg: string): object {
  if (publicKeyJwk !== undefined) return { ...publicKeyJwk, alg }
  const point = bytes(publicKey.uncompressed ?? '').subarray(1)
  const half = point.length / 2
  const [x, y] = [base64urlEncode(point.subarray(0, half)), base64urlEncode(point.subarray(half))]
  return { kty: 'EC', crv: half === 32 ? 'P-256' : 'P-384', x, y, alg }
}

describe.skipIf(folder === '')(`Wycheproof (${wycheproof})`, () => {
  const titled = verifies(
    ...(['KEY-08', 'KEY-09', 'KEY-28', 'sig.alg.signature', 'sig.alg.optional'] as const),
    '%s of %s: every verdict is the vector’s, and WebCrypto’s is no other',
  )
  test.each([
    ['Ed25519', 'ed25519.json', 151],
    ['ES256', 'ecdsa_secp256r1_sha256_p1363.json', 262],
    ['ES384', 'ecdsa_secp384r1_sha384_p1363.json', 280],
    ['PS512', 'rsa_pss_4096_sha512_mgf1_64.json', 179],
  ] as const)(titled, async (alg, file, count) => {
    const [wrong, differs]: [string[], string[]] = [[], []]
    let ran = 0
    for (const group of groupsOf(file)) {
      const jwk = jwkOf(group, alg)
      for (const { tcId, comment, msg, sig, result } of group.tests) {
        ran++
        const verdict = await ours(jwk, msg, sig)
        if (verdict !== (result === 'valid')) wrong.push(`${tcId} ${comment}: ${result}`)
        if (verdict !== (await bare(alg, jwk, msg, sig))) differs.push(`${tcId} ${comment}`)
      }
    }
    expect(wrong).toEqual([])
    expect(differs).toEqual([])
    expect(ran).toBe(count)
  })

  test.skipIf(sodium === undefined)(
    verifies('KEY-08', 'KEY-28', 'sig.alg.signature', `libsodium judges Ed25519 as the vectors do${sodiumMissing}`),
    () =>
      bySodium(async () => {
        for (const group of groupsOf('ed25519.json'))
          for (const { tcId, comment, msg, sig, result } of group.tests)
            expect(await ours(jwkOf(group, 'Ed25519'), msg, sig), `${tcId} ${comment}`).toBe(result === 'valid')
      }),
  )

  test(
    verifies(
      'KEY-16',
      'KEY-17',
      'KEY-28',
      'rsa_pss_2048_sha256_mgf1_32.json is PS256, not ours: refused all, valid or not',
    ),
    async () => {
      let ran = 0
      for (const { publicKeyJwk, tests } of groupsOf('rsa_pss_2048_sha256_mgf1_32.json')) {
        expect(publicKeyJwk).toMatchObject({ kty: 'RSA', alg: 'PS256' })
        expect(() => parsePublicJwk(publicKeyJwk)).toThrow(expect.objectContaining({ code: 'unsupported_algorithm' }))
        // The same modulus with an alg of ours is a key, under which none of these signatures verifies.
        const jwk = { ...publicKeyJwk, alg: 'PS512' }
        expect(parsePublicJwk(jwk)).toMatchObject({ alg: 'PS512' })
        for (const { tcId, comment, msg, sig } of tests) {
          ran++
          expect(await ours(jwk, msg, sig), `${tcId} ${comment}`).toBe(false)
        }
      }
      expect(ran).toBe(108)
    },
  )
})

describe.skipIf(folder === '')(`ed25519-speccheck (${speccheck})`, () => {
  // By vector: ours, that of WebCrypto in Node 20, in Node 26 (which refuses small order and second spellings itself), and why.
  const verdicts: ReadonlyArray<readonly [boolean | 'as the runtime', boolean, boolean, string]> = [
    [false, true, false, 'A of small order, S = 0: one signature for every message'],
    [false, true, false, 'A of small order'],
    [
      'as the runtime',
      true,
      false,
      'R of small order under an A of mixed order: only the owner of the key can make it',
    ],
    [true, true, true, 'A and R of mixed order, valid with and without the cofactor'],
    [false, false, false, 'valid with the cofactor only'],
    [false, false, false, 'valid with the cofactor only, and only if 8h is reduced first'],
    [false, false, false, 'S above the order'],
    [false, false, false, 'S far above the order'],
    [false, false, false, 'R in non-canonical form'],
    [false, false, false, 'R in non-canonical form'],
    [false, false, false, 'A in non-canonical form, reduced before it is hashed'],
    [false, true, false, 'A in non-canonical form: a second spelling would be a second identity'],
  ]

  test(
    verifies(
      'KEY-09',
      'sig.alg.points',
      'every vector is judged as it says; WebCrypto accepts points that are refused here',
    ),
    async () => {
      const cases = read('ed25519-speccheck.json') as readonly SpeccheckCase[]
      expect(cases).toHaveLength(verdicts.length)
      const others: boolean[] = []
      for (const [i, { message, pub_key, signature }] of cases.entries()) {
        const [mine, , , why] = verdicts[i] ?? []
        const jwk = { kty: 'OKP', crv: 'Ed25519', alg: 'Ed25519', x: base64urlEncode(bytes(pub_key)) }
        const other = await bare('Ed25519', jwk, message, signature)
        others.push(other)
        expect(await ours(jwk, message, signature), `${i} ${why}`).toBe(mine === 'as the runtime' ? other : mine)
      }
      expect([verdicts.map(([, older]) => older), verdicts.map(([, , newer]) => newer)]).toContainEqual(others)
    },
  )

  test.skipIf(sodium === undefined)(
    verifies('KEY-09', 'sig.alg.points', `libsodium judges every vector as Node 26 does${sodiumMissing}`),
    () =>
      bySodium(async () => {
        const cases = read('ed25519-speccheck.json') as readonly SpeccheckCase[]
        expect(cases).toHaveLength(verdicts.length)
        for (const [i, { message, pub_key, signature }] of cases.entries()) {
          const [, , newer, why] = verdicts[i] ?? []
          const jwk = { kty: 'OKP', crv: 'Ed25519', alg: 'Ed25519', x: base64urlEncode(bytes(pub_key)) }
          expect(await ours(jwk, message, signature), `${i} ${why}`).toBe(newer)
          // Alone, too: it lets through nothing that this package would have to stop.
          expect(sodium?.crypto_sign_verify_detached(bytes(signature), bytes(message), bytes(pub_key)), why).toBe(newer)
        }
      }),
  )
})
