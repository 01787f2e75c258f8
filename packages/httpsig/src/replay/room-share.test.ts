import { verifies } from '@countersign/requirements'
import { expect, test } from 'vitest'
import { hasShare } from './room-share.js'

test.each([
  { inAll: 0, own: 0, has: true },
  { inAll: 899, own: 99, has: true },
  // A tenth is the most of one.
  { inAll: 100, own: 100, has: false },
  // The last tenth is for those that have hardly anything.
  { inAll: 900, own: 1, has: false },
  { inAll: 900, own: 0, has: true },
  { inAll: 999, own: 0, has: true },
  { inAll: 1000, own: 0, has: false },
])(verifies('DOS-17', 'of 1000 places with $inAll taken, $own of them by its site, one more: $has'), o => {
  expect(hasShare({ ...o, capacity: 1000, share: 100 })).toBe(o.has)
})

test(verifies('DOS-17', 'a share may differ from a tenth; the rule of the last tenth stays'), () => {
  expect(hasShare({ inAll: 400, own: 400, capacity: 1000, share: 500 })).toBe(true)
  expect(hasShare({ inAll: 500, own: 500, capacity: 1000, share: 500 })).toBe(false)
  expect(hasShare({ inAll: 900, own: 400, capacity: 1000, share: 500 })).toBe(false)
})
