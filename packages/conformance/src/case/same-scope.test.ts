import { expect, test } from 'vitest'
import { isSameScope } from './same-scope.js'

test('a scope is the same in another order, and not with a word more, less or twice', () => {
  expect(isSameScope('b a', 'a b')).toBe(true)
  for (const scope of ['a', 'a b c', 'a a', 'a  b', undefined, ['a', 'b']])
    expect(isSameScope(scope, 'a b')).toBe(false)
})
