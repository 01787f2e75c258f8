import { numRuns } from '@countersign/requirements'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import * as ours from './key/base64url-node.js'
import * as portable from './key/base64url-web.js'

const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
const nearly = fc.oneof(
  { weight: 8, arbitrary: fc.constantFrom(...letters) },
  { weight: 1, arbitrary: fc.constantFrom('+', '/', '=', '.', ' ', '\u0141', '\u00ff', '\ud83d') },
)

describe.each([
  ['on Node', ours],
  ['elsewhere', portable],
])('%s', (_, { base64Encode, base64urlDecode, base64urlDecodeText, base64urlEncode }) => {
  test('a text decodes exactly when its bytes encode to it', () => {
    fc.assert(
      fc.property(fc.string({ unit: nearly, maxLength: 24 }), text => {
        const bytes = Buffer.from(text, 'base64url')
        if (bytes.toString('base64url') === text) expect(Buffer.from(base64urlDecode(text))).toEqual(bytes)
        else expect(() => base64urlDecode(text)).toThrow(TypeError)
      }),
      { numRuns },
    )
  })

  test('a last letter with unused bits is refused', () => {
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

  test('bytes are the same after encoding and decoding; padded base64 is that of Node', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 99 }), bytes => {
        expect(base64urlDecode(base64urlEncode(bytes))).toEqual(bytes)
        expect(base64Encode(bytes)).toBe(Buffer.from(bytes).toString('base64'))
        expect(base64urlEncode(bytes)).toBe(Buffer.from(bytes).toString('base64url'))
      }),
      { numRuns },
    )
  })

  test('text of any length is the same after encoding and decoding; bytes that are not UTF-8 are refused', () => {
    const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 40 }),
      fc.string({ unit: 'binary', maxLength: 40 }).map(text => new TextEncoder().encode(text)),
    )
    fc.assert(
      fc.property(bytes, all => {
        let text: string | undefined
        try {
          text = utf8.decode(all)
        } catch {
          // Expected below to be refused.
        }
        if (text === undefined) expect(() => base64urlDecodeText(base64urlEncode(all))).toThrow(TypeError)
        else expect(base64urlDecodeText(base64urlEncode(all))).toBe(text)
      }),
      { numRuns },
    )
    for (const length of [0, 63, 64, 65, 6143, 6144, 8191, 8192, 8193, 20_000])
      expect(base64urlDecodeText(base64urlEncode(new Uint8Array(length).fill(0x61)))).toBe('a'.repeat(length))
    expect(base64urlDecodeText('77u_')).toBe('\ufeff')
    expect(() => base64urlDecodeText('YQ==')).toThrow(TypeError)
  })
})
