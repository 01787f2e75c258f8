import { expect, test } from 'vitest'
import { randomText, textHash } from '../internal.js'

test('random texts are 43 characters of base64url, all different', () => {
  const texts = Array.from({ length: 1000 }, randomText)
  expect(new Set(texts).size).toBe(1000)
  expect(texts.every(text => /^[\w-]{43}$/.test(text))).toBe(true)
})

test('the hash of a text is that of its UTF-8 bytes', async () => {
  // FIPS 180-4, example "abc".
  const abc = 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad'
  expect(await textHash('abc')).toBe(Buffer.from(abc, 'hex').toString('base64url'))
  expect(await textHash('ä')).not.toBe(await textHash('a\u0308'))
})
