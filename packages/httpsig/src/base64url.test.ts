import fc from 'fast-check'
import { expect, test } from 'vitest'
import { base64Decode, base64Encode, base64urlDecode, base64urlEncode } from './base64url.js'

const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
const nearly = fc.oneof(
  { weight: 8, arbitrary: fc.constantFrom(...letters) },
  { weight: 1, arbitrary: fc.constantFrom('+', '/', '=', '.', ' ', '\u0141', '\u00ff', '\ud83d') },
)

test('exactly the texts decode that encoding their bytes gives back', () => {
  fc.assert(
    fc.property(fc.string({ unit: nearly, maxLength: 24 }), text => {
      const bytes = Buffer.from(text, 'base64url')
      if (bytes.toString('base64url') === text) expect(Buffer.from(base64urlDecode(text))).toEqual(bytes)
      else expect(() => base64urlDecode(text)).toThrow(TypeError)
    }),
    { numRuns: 1000 },
  )
})

test('of every last letter only those that leave no bit unused decode', () => {
  for (const head of ['A', 'AA', 'AAAA_', 'AAAA_w']) {
    const decoded = [...letters].filter(last => {
      try {
        return base64urlDecode(head + last) instanceof Uint8Array
      } catch {
        return false
      }
    })
    expect([head, decoded.length]).toEqual([head, head.length % 4 === 1 ? 4 : 16])
  }
})

test('bytes come back from both alphabets', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 99 }), bytes => {
      expect(base64urlDecode(base64urlEncode(bytes))).toEqual(bytes)
      expect(base64Decode(base64Encode(bytes))).toEqual(bytes)
      expect(base64Encode(bytes)).toBe(Buffer.from(bytes).toString('base64'))
    }),
  )
})
