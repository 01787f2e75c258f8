import { verifies } from '@countersign/requirements'
import { expect, test } from 'vitest'
import { boundedMap } from '../internal.js'

test('the least recently used entry is dropped, and get counts as a use', () => {
  const map = boundedMap<string, number>(2)
  map.set('a', 1)
  map.set('b', 2)
  expect(map.get('a')).toBe(1)
  map.set('c', 3)
  expect([map.get('a'), map.get('b'), map.get('c')]).toEqual([1, undefined, 3])
  map.delete('c')
  expect(map.get('c')).toBeUndefined()
})

test(verifies('LOG-10', 'deleteWhere drops entries at any place, and keeps the others'), () => {
  const map = boundedMap<string, number>(10)
  for (const [key, ends] of [
    ['a', 5],
    ['b', 20],
    ['c', 10],
  ] as const)
    map.set(key, ends)
  map.deleteWhere(ends => ends <= 10)
  expect([map.get('a'), map.get('b'), map.get('c')]).toEqual([undefined, 20, undefined])
})
