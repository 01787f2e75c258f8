import { verifies } from '@countersign/requirements'
import { expect, test } from 'vitest'
import { guardedCache, protectFromCaches } from './cache.js'

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

test(
  verifies('cache.private', 'nothing speaks to shared caches past Cache-Control, unless its route says otherwise'),
  () => {
    const names = [
      'cdn-cache-control',
      'vercel-cdn-cache-control',
      'netlify-cdn-cache-control',
      'akamai-cache-control',
      'surrogate-control',
      'edge-control',
      'x-accel-expires',
    ]
    const set = () => new Headers([...names, 'x-cache-control-note'].map((name): [string, string] => [name, '600']))
    const [guarded, kept] = [set(), set()]
    protectFromCaches(guarded, false)
    protectFromCaches(kept, true)
    expect([...guarded.keys()]).toEqual(['cache-control', 'vary', 'x-cache-control-note'])
    expect([...kept.keys()]).toEqual(expect.arrayContaining(names))
  },
)

test(verifies('cache.vary', 'Vary names Signature-Key beside what a handler named'), () => {
  expect(vary(null)).toBe('Signature-Key')
  expect(vary('Accept, Accept-Encoding')).toBe('Accept, Accept-Encoding, Signature-Key')
  expect(vary('accept, signature-key')).toBe('accept, signature-key')
  expect(vary('*')).toBe('*')
})
