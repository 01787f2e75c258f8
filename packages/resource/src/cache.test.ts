import { verifies } from '@countersign/requirements'
import { expect, test } from 'vitest'
import { guardedCache } from './cache.js'

const cacheControl = (set: string | null, keep = false) =>
  guardedCache({ cacheControl: set, vary: null }, keep).cacheControl
const vary = (set: string | null) => guardedCache({ cacheControl: null, vary: set }, false).vary

test(verifies('cache.private', 'what a handler set is made private, unless its route says otherwise'), () => {
  expect(cacheControl(null)).toBe('private')
  expect(cacheControl('max-age=60')).toBe('private, max-age=60')
  expect(cacheControl('public, max-age=60, s-maxage=600')).toBe('private, max-age=60')
  expect(cacheControl('Public,  S-MaxAge = 600')).toBe('private')
  expect(cacheControl('no-store')).toBe('private, no-store')
  expect(cacheControl('private="set-cookie, x", max-age=1')).toBe('private, max-age=1')
  expect(cacheControl('private')).toBe('private')
  expect(cacheControl('public, max-age=60', true)).toBe('public, max-age=60')
  expect(cacheControl(null, true)).toBe('private')
})

test(verifies('cache.vary', 'Vary names Signature-Key beside what a handler named'), () => {
  expect(vary(null)).toBe('Signature-Key')
  expect(vary('Accept, Accept-Encoding')).toBe('Accept, Accept-Encoding, Signature-Key')
  expect(vary('accept, signature-key')).toBe('accept, signature-key')
  expect(vary('*')).toBe('*')
})
