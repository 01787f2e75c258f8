import { expect, test } from 'vitest'
import { parseComponent } from './component/component-identifier.js'
import { messageProfile } from './component/component-profile.js'
import { messageContext } from './component/message-context.js'
import { resolveComponent } from './component/resolve-component.js'
import { signatureBase } from './component/signature-base.js'
import type { HttpMessage, HttpRequestMessage, HttpResponseMessage, StructuredFieldTypes } from './index.js'
import { withLines } from './message/http-message.test.fixture.js'

// RFC 9421 §2: the examples of component values, and what is refused beside them.

const get: HttpRequestMessage = {
  method: 'GET',
  target: '/path?param=value',
  scheme: 'https',
  authority: 'www.example.com',
  headers: [
    ['Host', 'www.example.com'],
    ['Date', 'Tue, 20 Apr 2021 02:07:56 GMT'],
    ['X-OWS-Header', '   Leading and trailing whitespace.   '],
    ['X-Obs-Fold-Header', 'Obsolete\r\n    line folding. '],
    ['Cache-Control', 'max-age=60'],
    ['Cache-Control', '    must-revalidate'],
    ['Example-Dict', '  a=1,    b=2;x=1;y=2,   c=(a   b   c)  '],
    ['X-Empty-Header', ''],
  ],
}
const answer: HttpResponseMessage = { status: 200, headers: [], request: get }
const types: StructuredFieldTypes = { 'example-dict': 'dictionary', 'example-list': 'list', 'example-item': 'item' }

function value(identifier: string, message: HttpMessage = get): string {
  return resolveComponent(parseComponent(identifier), messageContext(message), messageProfile(types))
}

const refused = expect.objectContaining({ code: 'invalid_signature' })
const lineBreak = expect.objectContaining({ code: 'invalid_request', status: 400 })

test.each([
  ['host', 'www.example.com'],
  ['Date', 'Tue, 20 Apr 2021 02:07:56 GMT'],
  ['x-ows-header', 'Leading and trailing whitespace.'],
  ['x-obs-fold-header', 'Obsolete line folding.'],
  ['cache-control', 'max-age=60, must-revalidate'],
  ['example-dict', 'a=1,    b=2;x=1;y=2,   c=(a   b   c)'],
  ['x-empty-header', ''],
])('§2.1 gives the value of %s', (identifier, expected) => {
  expect(value(identifier)).toBe(expected)
})

test('§2.1.1 sf gives the strict spelling', () => {
  expect(value('"example-dict";sf')).toBe('a=1, b=2;x=1;y=2, c=(a b c)')
  const typed = withLines(get, ['Example-List', 'a;x=1,(b  c) '], ['Example-Item', ' "a" ;  x'])
  expect(value('"example-list";sf', typed)).toBe('a;x=1, (b c)')
  expect(() => value('"example-item";sf', typed)).toThrow(refused)
  expect(value('"example-item";sf', withLines(get, ['Example-Item', '"a";  x']))).toBe('"a";x')
  expect(() => value('"cache-control";sf')).toThrow(refused)
})

test('§2.1.2 key gives one member', () => {
  const message: HttpRequestMessage = { ...get, headers: [['Example-Dict', '  a=1, b=2;x=1;y=2, c=(a   b    c), d']] }
  expect(value('"example-dict";key="a"', message)).toBe('1')
  expect(value('"example-dict";key="d"', message)).toBe('?1')
  expect(value('"example-dict";key="b"', message)).toBe('2;x=1;y=2')
  expect(value('"example-dict";key="c"', message)).toBe('(a b c)')
  expect(value('"example-dict";sf;key="c"', message)).toBe('(a b c)')
  expect(() => value('"example-dict";key="e"', message)).toThrow(refused)
})

test('§2.1.3 bs gives the bytes', () => {
  const two = withLines(get, ['Example-Header', 'value, with, lots'], ['Example-Header', 'of, commas'])
  expect(value('"example-header";bs', two)).toBe(':dmFsdWUsIHdpdGgsIGxvdHM=:, :b2YsIGNvbW1hcw==:')
  const one = withLines(get, ['Example-Header', 'value, with, lots, of, commas'])
  expect(value('"example-header";bs', one)).toBe(':dmFsdWUsIHdpdGgsIGxvdHMsIG9mLCBjb21tYXM=:')
  expect(value('example-header', one)).toBe(value('example-header', two))
  // Bytes beyond ASCII have a value under bs only.
  const latin1 = withLines(get, ['Example-Header', ' \u00fc '])
  expect(value('"example-header";bs', latin1)).toBe(':/A==:')
  expect(() => value('example-header', latin1)).toThrow(refused)
  expect(() => value('"example-header";bs', withLines(get, ['Example-Header', '\u20ac']))).toThrow(refused)
})

test.each([
  ['§2.2.1', '@method', {}, 'GET'],
  ['§2.2.1', '@method', { method: 'get' }, 'get'],
  ['§2.2.2', '@target-uri', {}, 'https://www.example.com/path?param=value'],
  ['§2.2.2', '@target-uri', { target: 'https://www.example.com/path?a' }, 'https://www.example.com/path?a'],
  ['§2.2.2', '@target-uri', { target: '*', method: 'OPTIONS' }, 'https://www.example.com'],
  ['§2.2.3', '@authority', {}, 'www.example.com'],
  ['§2.2.3', '@authority', { authority: 'WWW.Example.com:443' }, 'www.example.com'],
  ['§2.2.3', '@authority', { authority: 'www.example.com:80' }, 'www.example.com:80'],
  ['§2.2.4', '@scheme', { scheme: 'http' }, 'http'],
  ['§2.2.5', '@request-target', {}, '/path?param=value'],
  ['§2.2.5', '@request-target', { target: 'https://www.example.com/path?a' }, 'https://www.example.com/path?a'],
  ['§2.2.5', '@request-target', { target: 'www.example.com:80', method: 'CONNECT' }, 'www.example.com:80'],
  ['§2.2.5', '@request-target', { target: '*', method: 'OPTIONS' }, '*'],
  ['§2.2.6', '@path', {}, '/path'],
  ['§2.2.6', '@path', { target: '/a%2fb' }, '/a%2fb'],
  ['§2.2.6', '@path', { target: 'https://www.example.com?a' }, '/'],
  ['§2.2.7', '@query', { target: '/path?param=value&foo=bar&baz=bat%2Dman' }, '?param=value&foo=bar&baz=bat%2Dman'],
  ['§2.2.7', '@query', { target: '/path?queryString' }, '?queryString'],
  ['§2.2.7', '@query', { target: '/path' }, '?'],
  ['§2.2.7', '@query', { target: '/path?' }, '?'],
  ['§2.2.8', '"@query-param";name="baz"', { target: '/path?param=value&foo=bar&baz=batman&qux=' }, 'batman'],
  ['§2.2.8', '"@query-param";name="qux"', { target: '/path?param=value&foo=bar&baz=batman&qux=' }, ''],
] as ReadonlyArray<[string, string, Partial<HttpRequestMessage>, string]>)(
  '%s gives %s of %o',
  (_, identifier, change, to) => {
    expect(value(identifier, { ...get, ...change })).toBe(to)
  },
)

test('§2.2.9 @status, of a response only', () => {
  expect(value('@status', answer)).toBe('200')
  expect(() => value('@status')).toThrow(refused)
  expect(() => value('"@status";req', answer)).toThrow(refused)
  expect(() => value('@status', { ...answer, status: 20 })).toThrow(TypeError)
})

test('an absolute target with another authority or scheme is refused', () => {
  for (const target of ['https://evil.example/path', 'http://www.example.com/path'])
    for (const identifier of ['@path', '@query', '@target-uri', '"@query-param";name="a"'])
      expect(() => value(identifier, { ...get, target }), target).toThrow(refused)
  expect(value('@path', { ...get, target: 'HTTPS://WWW.example.com:443/path' })).toBe('/path')
})

test('§2.4 req, on a response only, and only with its request', () => {
  expect(value('"@method";req', answer)).toBe('GET')
  expect(value('"cache-control";req', answer)).toBe('max-age=60, must-revalidate')
  expect(value('"example-dict";key="b";req', answer)).toBe('2;x=1;y=2')
  expect(value('"@query-param";req;name="param"', answer)).toBe('value')
  for (const identifier of ['"@method";req', '"host";req']) expect(() => value(identifier)).toThrow(refused)
  expect(() => value('"@method";req', { status: 200, headers: [] })).toThrow(refused)
  expect(() => value('@method', answer)).toThrow(refused)
})

test.each([
  '"host";tr',
  '"@method";tr',
  '"host";x',
  '"host";sf;bs',
  '"example-dict";bs;key="a"',
  '"example-dict";key=a',
  '"host";bs=1',
  '"host";req="a"',
  '"@method";name="a"',
  '@query-param',
  '"@query-param";name=1',
  '"@query-param";name="absent"',
  '"@signature-params"',
  '@unknown',
  'absent',
  '""',
  '"a b"',
  '"Host"',
])('%s is refused', identifier => {
  expect(() => value(identifier)).toThrow(refused)
})

test('the refusal of tr names it', () => {
  expect(() => value('"host";tr')).toThrow('trailers (tr)')
})

test.each(['a b', '"a";x=1;x=2', '"a";x=1.0', 'tok;x', '', '"a', '@Über'])(
  '%s is refused as a component identifier',
  identifier => {
    expect(() => parseComponent(identifier)).toThrow(TypeError)
  },
)

test('a field that can be read in two ways is refused with sf and key', () => {
  for (const text of ['a=1, a=2', 'a=1.0', 'a=1;x=1;x=2', 'a=(b;x;x)']) {
    const message: HttpRequestMessage = { ...get, headers: [['Example-Dict', text]] }
    expect(() => value('"example-dict";sf', message), text).toThrow(refused)
    expect(() => value('"example-dict";key="a"', message), text).toThrow(refused)
    expect(value('example-dict', message)).toBe(text)
  }
})

test('a value cannot forge a line of the base', () => {
  for (const text of ['a\nb', 'a\rb', 'a\r\nb', 'a\0b', 'a\r\n b\nc']) {
    expect(() => value('x', withLines(get, ['X', text])), text).toThrow(lineBreak)
    expect(() => value('"x";bs', withLines(get, ['X', text])), text).toThrow(lineBreak)
  }
  expect(() => value('@method', { ...get, method: 'A\n"@path": /' })).toThrow(refused)
  expect(() => value('@path', { ...get, target: '/\n' })).toThrow(refused)
  expect(() => value('@authority', { ...get, authority: 'a\nb' })).toThrow(refused)
})

test('§2.5 a component is covered once, whatever the order of its parameters', () => {
  const base = (...identifiers: string[]): string =>
    signatureBase(
      { components: identifiers.map(parseComponent), text: '()' },
      messageContext(answer),
      messageProfile(types),
    )
  expect(base('"example-dict";key="a";req', '"example-dict";req')).toBe(
    '"example-dict";key="a";req: 1\n"example-dict";req: a=1,    b=2;x=1;y=2,   c=(a   b   c)\n"@signature-params": ()',
  )
  expect(() => base('"example-dict";key="a";req', '"example-dict";req;key="a"')).toThrow(refused)
  expect(() => base('@status', '"@status"')).toThrow(refused)
})
