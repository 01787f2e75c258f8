import { verifies } from '@countersign/requirements'
import { expect, test } from 'vitest'
import { boundedMap } from '../index.js'

test('the entry unused for longest is forgotten, and a look is a use', () => {
  const map = boundedMap<string, number>(2)
  map.set('a', 1)
  map.set('b', 2)
  expect(map.get('a')).toBe(1)
  map.set('c', 3)
  expect([map.get('a'), map.get('b'), map.get('c')]).toEqual([1, undefined, 3])
  map.delete('c')
  expect(map.get('c')).toBeUndefined()
})

test(verifies('LOG-10', 'what has had its time can be forgotten wherever it stands, the rest stays'), () => {
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
