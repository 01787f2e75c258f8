import { expect, test } from 'vitest'
import { foldedPath, shortNameFolders, withoutStreams } from '../internal.js'

test.each([
  ['/A/b. /c...', '/a/b/c'],
  ['/a::$DATA', '/a'],
  ['/a:$I30:$INDEX_ALLOCATION/b', '/a/b'],
  ['/a:b/c', '/a:b/c'],
  ['/a/../b/.', '/a/../b/.'],
  ['//a//', '//a//'],
])('the path %j is %j', (path, folded) => expect(foldedPath(path)).toBe(folded))

test.each(['/a/... /b', '/.. /b', '/ /', '/a/::$DATA'])('%j has a segment of which nothing is left', path => {
  expect(foldedPath(path)).toBeUndefined()
})

test.each([
  ['/a:b/c:d:$DATA', '/a/c'],
  ['/C:/a:b', '/C:/a'],
  ['C:/a', 'C:/a'],
  ['/a/C:/b', '/a/C/b'],
  ['/a.b/c', '/a.b/c'],
])('without streams the path %j is %j', (path, bare) => expect(withoutStreams(path)).toBe(bare))

test.each([
  ['/PRIVAT~1/a/B~12.TXT', ['/', '/PRIVAT~1/a/']],
  ['/~me/a~b/report~2024x/longername~1', []],
])('the path %j has short names in %j', (path, folders) => expect(shortNameFolders(path)).toEqual(folders))

test('a short name that ends before a place does not count', () => {
  expect(shortNameFolders('/A~1/B~1', 4)).toEqual(['/A~1/'])
})
