import { expect, test } from 'vitest'
import { foldedName, foldedPath, shortNameFolders, withoutStreams } from '../internal.js'

test.each([
  ['Private', 'private'],
  ['\u0130D', 'id'],
  ['I\u0307d', 'id'],
  ['\u0131d', 'id'],
  ['\uff29\uff24', 'id'],
  ['\u212a', 'k'],
  ['\u017f', 's'],
  ['stra\u00dfe', 'strasse'],
  ['\u039f\u03a3', '\u03bf\u03c3'],
  ['\u039f\u03a3x', '\u03bf\u03c3x'],
  ['a\u200b\u200d\ufeff\u00ad\u2060b', 'ab'],
  ['cafe\u0301', 'caf\u00e9'],
  ['\ue000', '\ue000'],
])('%j is %j', (text, folded) => {
  expect(foldedName(text)).toBe(folded)
  expect(foldedName(folded)).toBe(folded)
})

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
