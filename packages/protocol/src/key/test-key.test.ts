import { createHash, createPrivateKey, createPublicKey } from 'node:crypto'
import { thumbprint } from '@countersign/httpsig'
import { verifies } from '@countersign/requirements'
import { expect, test } from 'vitest'
import { isTestKey } from '../internal.js'

/** Private keys as they are printed. */
const printed: Readonly<Record<string, object>> = {
  'RFC 9421 B.1.4': { kty: 'OKP', crv: 'Ed25519', d: 'n4Ni-HpISpVObnQMW0wOhCKROaIKqKtW_2ZYb2p9KcU' },
  'RFC 8032 test 1': { kty: 'OKP', crv: 'Ed25519', d: 'nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A' },
}

/** Public keys as they are printed, and the thumbprints that others have computed of them. */
const known: ReadonlyArray<readonly [source: string, jwk: object]> = [
  ['RFC 9421 B.1.3', ec('qIVYZVLCrPZHGHjP17CTW0_-D9Lfw0EkjqF7xB4FivA', 'Mc4nN9LTDOBhfoUeg8Ye9WedFRhnZXZJA12Qp0zZ6F0')],
  ['RFC 7515 A.3', ec('f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU', 'x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0')],
  ['RFC 7517 A.2', ec('MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4', '4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM')],
]

function ec(x: string, y: string) {
  return { kty: 'EC', crv: 'P-256', alg: 'ES256', x, y } as const
}

/** The public half of an Ed25519 key, computed from its seed. */
function publicHalf(d: string): string {
  const head = Buffer.from('302e020100300506032b657004220420', 'hex')
  const key = createPrivateKey({
    key: Buffer.concat([head, Buffer.from(d, 'base64url')]),
    format: 'der',
    type: 'pkcs8',
  })
  return String(createPublicKey(key).export({ format: 'jwk' }).x)
}

test(
  verifies('discovery.test-keys', 'the printed keys are known by their thumbprints, and no other key is'),
  async () => {
    for (const [source, jwk] of Object.entries(printed)) {
      const { kty, crv, d = '' } = jwk as { kty: string; crv: string; d?: string }
      const text = JSON.stringify({ crv, kty, x: publicHalf(d) })
      expect(isTestKey(createHash('sha256').update(text).digest('base64url')), source).toBe(true)
    }
    for (const [source, jwk] of known) expect(isTestKey(await thumbprint(jwk as never)), source).toBe(true)
    // As the drafts of Web Bot Auth and RFC 7638 §3.1 print them.
    for (const name of [
      'poqkLGiymh_W0uP6PZFw-dvez3QJT5SolqXBCW38r0U',
      'oD0HwocPBSfpNy5W3bpJeyFGY_IQ_YpqxSjQ3Yd-CLA',
      'NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs',
    ])
      expect(isTestKey(name), name).toBe(true)
    // RFC 9449 §6.1 prints a public key only.
    for (const other of ['0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I', '', 'constructor'])
      expect(isTestKey(other), other).toBe(false)
  },
)
