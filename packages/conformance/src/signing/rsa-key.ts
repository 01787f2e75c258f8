import { createPrivateKey, generateKeyPairSync } from 'node:crypto'
import { reopened, type TestKey, testKey } from './key.js'

/** Makes a fresh RSA key of another size, or with another exponent, than verifiers take. */
export function makeRsaKey(o: { readonly bits: number; readonly exponent: number }): TestKey {
  const pair = generateKeyPairSync('rsa', { modulusLength: o.bits, publicExponent: o.exponent })
  return testKey('PS512', reopened(pair.privateKey))
}

/** Makes a fresh RSA key whose exponent has 9 bytes. */
export function makeLongExponentKey(): TestKey {
  const jwk = makeRsaKey({ bits: 2048, exponent: 65537 }).privateJwk()
  const [p, q] = [numberOf(jwk['p']), numberOf(jwk['q'])]
  const order = (p - 1n) * (q - 1n)
  let e = 2n ** 64n + 13n
  let d = inverse(e, order)
  while (d === undefined) {
    e += 2n
    d = inverse(e, order)
  }
  const members = { e, d, dp: d % (p - 1n), dq: d % (q - 1n) }
  const texts = Object.fromEntries(Object.entries(members).map(([name, value]) => [name, textOf(value)]))
  return testKey('PS512', createPrivateKey({ key: { ...jwk, ...texts }, format: 'jwk' }))
}

function numberOf(member = ''): bigint {
  return BigInt(`0x${Buffer.from(member, 'base64url').toString('hex')}`)
}

function textOf(value: bigint): string {
  const digits = value.toString(16)
  return Buffer.from(digits.length % 2 === 0 ? digits : `0${digits}`, 'hex').toString('base64url')
}

/** The inverse of a number by a modulus; undefined where it has none. */
function inverse(value: bigint, modulus: bigint): bigint | undefined {
  let [before, rest] = [modulus, value % modulus]
  let [last, factor] = [0n, 1n]
  while (rest > 0n) {
    const times = before / rest
    ;[before, rest] = [rest, before - times * rest]
    ;[last, factor] = [factor, last - times * factor]
  }
  return before === 1n ? ((last % modulus) + modulus) % modulus : undefined
}
