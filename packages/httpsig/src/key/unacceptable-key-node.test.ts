// In a browser errors have no words: their message is the reason.
import { verifies } from '@countersign/requirements'
import { expect, test } from 'vitest'
import { p256, rsaPss } from '../message/http-message.test.fixture.js'
import { isAcceptablePoint } from './ed25519-point.js'
import { parsePublicJwk } from './jwk.js'

const { d: _, ...ec } = p256
const rsa = { ...rsaPss, alg: 'PS512' } as const

/** base64url of 32 bytes at or above the prime of P-256. */
const tooLarge = { equal: '_____wAAAAEAAAAAAAAAAAAAAAD_______________8', above: `${'_'.repeat(42)}8` }

test(verifies('sig.alg.refused', 'keys of each kind are read'), () => {
  expect(parsePublicJwk(ec)).toEqual(ec)
  expect(parsePublicJwk(rsa)).toEqual(rsa)
})

test.each<readonly [string, unknown, RegExp]>([
  ['null', null, /must be a JSON object/],
  ['a list', [ec], /must be a JSON object/],
  ['a text', 'key', /must be a JSON object/],
  ['x that is the prime', { ...ec, x: tooLarge.equal }, /below the prime/],
  ['x above the prime', { ...ec, x: tooLarge.above }, /below the prime/],
  ['y above the prime', { ...ec, y: tooLarge.above }, /below the prime/],
  ['RSA members under another kty', { ...rsa, kty: 'OCT' }, /kty and crv must name/],
  ['RSA members with a curve', { ...rsa, crv: 'P-256' }, /kty and crv must name/],
  ['a curve that is not known', { ...ec, crv: 'P-521' }, /kty and crv must name/],
])(verifies('sig.alg.refused', '%s is no key, and the reason is told'), (_name, value, text) => {
  expect(() => parsePublicJwk(value)).toThrow(
    expect.objectContaining({ code: 'unsupported_algorithm', message: expect.stringMatching(text) }),
  )
})

test.each([
  [31, false],
  [32, true],
  [33, false],
])(verifies('sig.alg.points', 'a point of %i bytes is acceptable: %s'), (length, expected) => {
  expect(isAcceptablePoint(new Uint8Array(length).fill(0x11))).toBe(expected)
})
