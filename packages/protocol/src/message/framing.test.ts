import { describe, expect, test } from 'vitest'
import { framingOf } from '../internal.js'

// The table of RFC 9110 §8.6 and RFC 9112 §6.3, row by row: method, status, the length that the answer came with, bytes of its body;
// whether a body may follow, and the length that is sent.

const rows: ReadonlyArray<
  readonly [
    method: string,
    status: number,
    given: string | null,
    bytes: number | undefined,
    hasBody: boolean,
    length: string | undefined,
  ]
> = [
  ['GET', 200, null, undefined, true, undefined],
  ['GET', 200, null, 5, true, '5'],
  ['GET', 200, null, 0, true, '0'],
  ['GET', 200, '5', undefined, true, '5'],
  ['GET', 200, '9', 5, true, '5'],
  ['POST', 500, '5', undefined, true, '5'],
  ['GET', 200, '5, 5', undefined, true, undefined],
  ['GET', 200, '+5', undefined, true, undefined],
  ['GET', 200, '-5', undefined, true, undefined],
  ['GET', 200, '0x5', undefined, true, undefined],
  ['GET', 200, '', undefined, true, undefined],
  ['GET', 200, '1'.repeat(16), undefined, true, undefined],
  ['GET', 100, '5', 5, false, undefined],
  ['GET', 101, '5', 5, false, undefined],
  ['GET', 103, null, undefined, false, undefined],
  ['GET', 204, '5', 5, false, undefined],
  ['HEAD', 204, '5', undefined, false, undefined],
  ['GET', 205, '5', 5, false, '0'],
  ['HEAD', 205, null, undefined, false, '0'],
  ['GET', 304, '5', undefined, false, '5'],
  ['GET', 304, null, 0, false, undefined],
  ['GET', 304, 'many', undefined, false, undefined],
  ['HEAD', 200, '5', 0, false, '5'],
  ['HEAD', 200, null, 5, false, '5'],
  ['HEAD', 200, null, 0, false, undefined],
  ['HEAD', 404, 'many', undefined, false, undefined],
  ['CONNECT', 200, '5', 5, false, undefined],
  ['CONNECT', 299, null, undefined, false, undefined],
  ['CONNECT', 403, null, 5, true, '5'],
]

describe('the framing of an answer', () => {
  test.each(rows)('%s %i with length %s and %s bytes', (method, status, given, bytes, hasBody, length) => {
    const framing = framingOf({ method, status, given, bytes })
    expect([framing.hasBody, framing.length]).toEqual([hasBody, length])
  })
})
