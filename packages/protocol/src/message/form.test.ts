import { verifies } from '@countersign/requirements'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseForm } from '../internal.js'

const type = 'application/x-www-form-urlencoded'
const encode = (text: string): Uint8Array => new TextEncoder().encode(text)
const read = (text: string, contentType: string | undefined = type): Record<string, string> =>
  Object.fromEntries(parseForm(encode(text), contentType))

test.each([
  ['a=1&b=2', { a: '1', b: '2' }],
  ['a=b=c', { a: 'b=c' }],
  ['a=x+y%20z%2B', { a: 'x y z+' }],
  ['a+b=%C3%BC', { 'a b': 'ü' }],
  ['a=&b&c=1', { c: '1' }],
  ['&&a=1&', { a: '1' }],
  ['code[]=1&code[0]=2&code=3', { 'code[]': '1', 'code[0]': '2', code: '3' }],
  [
    '__proto__=1&constructor=2',
    Object.fromEntries([
      ['__proto__', '1'],
      ['constructor', '2'],
    ]),
  ],
])(verifies('token-endpoint.form', 'token-endpoint.unknown', 'a form is read: %s'), (text, form) => {
  expect(read(text)).toEqual(form)
})

test.each(['a=1&a=1', 'a=1&a=', 'a=&a=1', 'a&a', 'a=1&b=2&a=3', 'a=1&%61=2', 'a+b=1&a%20b=2', 'x=1&x=2&known=1'])(
  verifies('token-endpoint.once', 'error.invalid-request', 'a parameter twice refuses: %s'),
  text => {
    expect(() => read(text)).toThrow(expect.objectContaining({ code: 'invalid_request', status: 400 }))
    expect(read('a=1&b=1')).toEqual({ a: '1', b: '1' })
  },
)

test.each([
  'a=%',
  'a=%4',
  'a=%zz',
  '%=1',
  'a=%C3',
  'a=%ED%A0%80',
  'a=%C0%AF',
  'a=%FF',
  'a=%00',
  'a=\0',
  '%00=1',
  'a=1%u0041',
])(verifies('token-endpoint.form', 'error.invalid-request', 'a form is refused: %j'), text => {
  expect(() => read(text)).toThrow(expect.objectContaining({ code: 'invalid_request', status: 400 }))
  expect(read('a=%41')).toEqual({ a: 'A' })
})

test(verifies('token-endpoint.form', 'bytes that are not UTF-8 are refused'), () => {
  expect(() => parseForm(new Uint8Array([0x61, 0x3d, 0xff]), type)).toThrow(expect.objectContaining({ status: 400 }))
  expect(parseForm(new Uint8Array([0x61, 0x3d, 0xc3, 0xbc]), type).get('a')).toBe('ü')
})

describe('media type', () => {
  test.each([
    'application/json',
    'text/plain',
    'multipart/form-data; boundary=a',
    '',
    'application/x-www-form-urlencodedx',
    `${type}; charset=iso-8859-1`,
    `${type}; boundary=a`,
    `${type};`,
    `${type}, ${type}`,
    `x${type}`,
    `${type}; charset=utf-8; charset=utf-16`,
    `${type}; charset="utf-8`,
  ])(verifies('token-endpoint.form', 'error.media-type', '%s is 415'), contentType => {
    expect(() => read('a=1', contentType)).toThrow(expect.objectContaining({ code: 'invalid_request', status: 415 }))
    expect(() => parseForm(undefined, contentType)).toThrow(expect.objectContaining({ status: 415 }))
  })

  test('a body without one is 415', () => {
    expect(() => parseForm(encode('a=1'), undefined)).toThrow(expect.objectContaining({ status: 415 }))
  })

  test.each([type, type.toUpperCase(), `${type};charset=utf-8`, `${type} ; charset="UTF-8"`])(
    '%s is taken',
    contentType => {
      expect(read('a=1', contentType)).toEqual({ a: '1' })
    },
  )
})

test('without a body there are no parameters', () => {
  expect(parseForm(undefined, undefined).size).toBe(0)
  expect(parseForm(new Uint8Array(), type).size).toBe(0)
})

describe('limits', () => {
  const parameters = (count: number): string => Array.from({ length: count }, (_, i) => `p${i}=1`).join('&')

  test('100 parameters', () => {
    expect(Object.keys(read(parameters(100)))).toHaveLength(100)
    expect(() => read(parameters(101))).toThrow(expect.objectContaining({ status: 400 }))
    expect(() => read('&'.repeat(60_000))).toThrow(expect.objectContaining({ status: 400 }))
  })

  test(verifies('limits.body', 'error.body-too-large', '64 KiB'), () => {
    expect(read(`a=${'x'.repeat(65_534)}`)['a']).toHaveLength(65_534)
    expect(() => read(`a=${'x'.repeat(65_535)}`)).toThrow(
      expect.objectContaining({ code: 'invalid_request', status: 413 }),
    )
  })
})

test('reads what URLSearchParams writes', () => {
  const text = fc.string({ minLength: 1, unit: 'binary' }).filter(value => !value.includes('\0'))
  fc.assert(
    fc.property(fc.dictionary(text, text, { maxKeys: 20, noNullPrototype: true }), form => {
      expect(read(new URLSearchParams(form).toString())).toEqual(form)
    }),
  )
})

test('arbitrary bodies throw only AAuthError', () => {
  const pieces = fc.array(fc.constantFrom('a', '=', '&', '%', '%41', '+', '\0', 'é', '%ff'))
  fc.assert(
    fc.property(
      fc.oneof(
        fc.uint8Array(),
        pieces.map(all => encode(all.join(''))),
      ),
      body => {
        try {
          parseForm(body, type)
        } catch (error) {
          expect(error).toMatchObject({ name: 'AAuthError', code: 'invalid_request', status: 400 })
        }
      },
    ),
    { numRuns: 1000 },
  )
})
