import { describe, expect, test } from 'vitest'
import { looksLikeRequest, parseRawRequest, rawParts } from './raw-request.js'

const parse = (text: string): unknown => parseRawRequest(new TextEncoder().encode(text))

describe('a raw request', () => {
  test('is read with CRLF and with LF, and its body to Content-Length', () => {
    const expected = {
      message: {
        method: 'GET',
        target: '/',
        headers: [
          ['Host', 'a'],
          ['Content-Length', '2'],
        ],
        body: new TextEncoder().encode('ab'),
      },
      notes: ['the body is the 2 bytes of Content-Length; 1 more bytes are ignored'],
    }
    expect(parse('GET / HTTP/1.1\nHost: a\nContent-Length: 2\n\nabc')).toEqual(expected)
    expect(parse('GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nabc')).toEqual(expected)
  })

  test('that cannot be read is refused with the line that is wrong', () => {
    expect(() => parse('hello')).toThrow('the first line must be a request line such as "GET /events HTTP/1.1"')
    expect(() => parse('GET / HTTP/1.1\nHost a')).toThrow('line 2 is not a header line')
    expect(() => parse('GET / HTTP/1.1\nTransfer-Encoding: chunked\n\n')).toThrow('remove Transfer-Encoding')
    expect(() => parse(`GET / HTTP/1.1\n${'a: b\n'.repeat(1000)}`)).toThrow('the head has more than 1000 lines')
  })

  test('is told from other text by its first line', () => {
    expect(['GET / HTTP/1.1', 'GET /events', 'hello world', 'eyJ0.eyJ.AA'].map(looksLikeRequest)).toEqual([
      true,
      true,
      false,
      false,
    ])
  })

  test('keeps each byte of its body', () => {
    const bytes = new Uint8Array([...new TextEncoder().encode('POST / HTTP/1.1\n\n'), 0x80, 0x9f, 0xff])
    expect(rawParts(bytes)).toEqual({ lines: ['POST / HTTP/1.1'], body: new Uint8Array([0x80, 0x9f, 0xff]) })
  })
})
