import { verifies } from '@countersign/requirements'
import { expect, test } from 'vitest'
import { checkContentCoding } from '../internal.js'

const coded = (...codings: string[]) => ({
  method: 'POST',
  target: '/',
  headers: codings.map(coding => ['Content-Encoding', coding] as const),
})

test(verifies('DIG-11', 'error.media-type', 'a body in any coding but identity is 415'), () => {
  for (const coding of ['gzip', 'x-gzip', 'br', 'zstd', 'deflate', 'GZIP', 'gzip, identity', 'identity, gzip', '', 'x'])
    expect(() => checkContentCoding(coded(coding)), coding).toThrow(
      expect.objectContaining({ code: 'invalid_request', status: 415 }),
    )
  expect(() => checkContentCoding(coded('identity', 'gzip'))).toThrow(expect.objectContaining({ status: 415 }))
  expect(checkContentCoding(coded())).toBeUndefined()
  expect(checkContentCoding(coded('Identity'))).toBeUndefined()
})
