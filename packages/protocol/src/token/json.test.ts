import { verifies } from '@countersign/requirements'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseJson } from '../internal.js'

const utf8 = (...bytes: number[]): Uint8Array => new Uint8Array(bytes)
const encode = (text: string): Uint8Array => new TextEncoder().encode(text)

test.each([
  [verifies('JWT-04', 'token.duplicates', 'a member twice'), '{"a":1,"a":1}', '{"a":1,"b":1}'],
  [verifies('JWT-04', 'a member twice, once escaped'), '{"a":1,"\\u0061":2}', '{"a":1,"\\u0062":2}'],
  [verifies('JWT-04', 'a member twice, inside'), '{"x":[{"a":1,"a":2}]}', '{"x":[{"a":1},{"a":2}]}'],
  [verifies('JWT-04', 'a member twice around an object'), '{"a":{"b":1},"a":2}', '{"a":{"a":1},"b":2}'],
  [verifies('JWT-04', 'a member twice behind white space'), '{"a" \t\r\n :1,"a":2}', '{"a" \t\r\n :1,"b":2}'],
  [verifies('JWT-04', 'an empty member twice'), '{"":1,"":2}', '{"":1}'],
  [verifies('JWT-04', 'a __proto__ member twice'), '{"__proto__":1,"__proto__":2}', '{"__proto__":1}'],
  [verifies('DSC-18', 'jwks_uri twice'), '{"jwks_uri":"a","jwks_uri":"b"}', '{"jwks_uri":"a"}'],
  [verifies('JWT-06', 'a byte order mark'), '\ufeff{}', '{}'],
  [verifies('JWT-06', 'text behind'), '{}x', '{} '],
  [verifies('JWT-06', 'a second value'), '{}{}', '{}'],
  [verifies('JWT-06', 'a comment'), '{/**/}', '{}'],
  [verifies('JWT-06', 'NaN'), '[NaN]', '[0]'],
  [verifies('JWT-06', 'a number with a leading zero'), '[01]', '[10]'],
  [verifies('JWT-06', 'a lone surrogate, escaped'), '["\\ud800"]', '["\\ud83d\\ude00"]'],
  [verifies('JWT-06', 'a lone surrogate in a name'), '{"\\udc00":1}', '{"\\u00e9":1}'],
  [verifies('JWT-06', 'a string without end'), '["a\\"]', '["a\\\\"]'],
  [verifies('JWT-06', 'a control in a string'), '["\n"]', '["\\n"]'],
  [verifies('JWT-06', 'an open array'), '[', '[]'],
  [verifies('JWT-06', 'nothing'), '', '0'],
  [verifies('JWT-19', 'nested 17 deep'), `${'['.repeat(17)}${']'.repeat(17)}`, `${'['.repeat(16)}${']'.repeat(16)}`],
  [verifies('JWT-19', 'nested 100 000 deep'), '['.repeat(100_000), '[]'],
])('%s is refused', (_, bad, twin) => {
  expect(() => parseJson(bad)).toThrow(SyntaxError)
  expect(() => parseJson(encode(bad))).toThrow(SyntaxError)
  expect(parseJson(twin)).toEqual(JSON.parse(twin === '{"__proto__":1}' ? '{}' : twin))
  expect(parseJson(encode(twin))).toEqual(parseJson(twin))
})

test.each([
  ['a byte that is no UTF-8', utf8(0x22, 0xff, 0x22)],
  ['an overlong form', utf8(0x22, 0xc0, 0xaf, 0x22)],
  ['a surrogate', utf8(0x22, 0xed, 0xa0, 0x80, 0x22)],
  ['a truncated sequence', utf8(0x22, 0xe2, 0x82, 0x22)],
  ['UTF-16', utf8(0x22, 0, 0x61, 0, 0x22, 0)],
])(verifies('JWT-06', '%s is refused'), (_, bytes) => {
  expect(() => parseJson(bytes)).toThrow(SyntaxError)
  expect(parseJson(utf8(0x22, 0xe2, 0x82, 0xac, 0x22))).toBe('€')
})

test(verifies('JWT-06', 'a string with a lone surrogate is refused'), () => {
  expect(() => parseJson('["\ud800"]')).toThrow(SyntaxError)
  expect(parseJson('["\ud83d\ude00"]')).toEqual(['😀'])
})

describe('refuses JSON over a limit', () => {
  test('depth', () => {
    expect(() => parseJson('[[[]]]', { maxDepth: 2 })).toThrow(SyntaxError)
    expect(parseJson('[[[]]]', { maxDepth: 3 })).toEqual([[[]]])
    expect(parseJson('[{},{},[],[]]', { maxDepth: 2 })).toEqual([{}, {}, [], []])
  })

  test('length', () => {
    expect(() => parseJson(encode('"€"'), { maxBytes: 4 })).toThrow(SyntaxError)
    expect(parseJson(encode('"€"'), { maxBytes: 5 })).toBe('€')
  })
})

test('members named __proto__ are dropped at any depth, and change no prototype', () => {
  const value = parseJson('{"a":[{"__proto__":{"polluted":true},"b":1}],"__proto__":{"polluted":true},"constructor":1}')
  expect(value).toEqual({ a: [{ b: 1 }], constructor: 1 })
  expect(Object.hasOwn(Object(value), '__proto__')).toBe(false)
  expect(Object.assign({}, value)).not.toHaveProperty('polluted')
  expect({}).not.toHaveProperty('polluted')
})

test(verifies('error.description', 'errors do not quote the text'), () => {
  for (const bad of ['{"secret":tok3n}', '{"a":"tok3n"', '["tok3n", "\\x"]', '{"a":"tok3n\\uZZZZ"}'])
    expect(() => parseJson(bad)).toThrow(expect.objectContaining({ message: expect.not.stringContaining('tok3n') }))
})

test('agrees with JSON.parse on well-formed text without repeated members', () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 5 }), fc.constantFrom(undefined, 1, '\t'), (value, space) => {
      const json = JSON.stringify(value, undefined, space)
      fc.pre(!/\\ud[89a-f]|__proto__/.test(json))
      expect(parseJson(json)).toEqual(JSON.parse(json))
    }),
  )
})

test('arbitrary text throws only SyntaxError', () => {
  const pieces = fc.array(
    fc.constantFrom('{', '}', '[', ']', '"', '\\', ':', ',', 'a', '\\u', '0', ' ', 'null', '\ud800'),
  )
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        pieces.map(all => all.join('')),
      ),
      text => {
        let strict: unknown
        try {
          strict = parseJson(text)
        } catch (error) {
          expect(error).toBeInstanceOf(SyntaxError)
          return
        }
        expect(strict).toEqual(JSON.parse(text))
      },
    ),
    { numRuns: 2000 },
  )
})

test('the time grows linearly with the text', () => {
  const start = performance.now()
  for (const piece of ['"\\', '\\\\\\', '{"a":1},']) parseJson(JSON.stringify({ text: piece.repeat(300_000) }))
  parseJson(`{${Array.from({ length: 100_000 }, (_, i) => `"${i}":[]`).join()}}`)
  // the square would be minutes
  expect(performance.now() - start).toBeLessThan(5000)
})
