import { expect, test } from 'vitest'
import { sharedMap } from '../internal.js'

test('it keeps within its bytes, and drops the least recently used entries', () => {
  const map = sharedMap<string, number>({ maxBytes: 100 })
  for (let i = 0; i < 20; i++) {
    map.set(String(i), i, { bytes: 10 })
    // Many uses in between, so that it counts as used again.
    for (let use = 0; use < 3; use++) map.get('0')
  }
  expect([map.size, map.bytes]).toEqual([10, 100])
  expect(map.get('0')).toBe(0)
  expect(map.get('10')).toBeUndefined()
  expect(map.get('11')).toBe(11)
  map.delete('11')
  expect([map.size, map.bytes]).toEqual([9, 90])
})

test('an entry larger than a tenth is not stored', () => {
  const map = sharedMap<string, number>({ maxBytes: 100 })
  map.set('a', 1, { bytes: 11 })
  expect(map.size).toBe(0)
  map.set('a', 1, { bytes: 10 })
  map.set('a', 2, { bytes: 11 })
  expect(map.get('a')).toBeUndefined()
})

test('free room is open to every owner; when it is full, owners with more than a tenth lose entries first', () => {
  const map = sharedMap<string, string>({ maxBytes: 1000, maxEntries: 100 })
  map.set('honest', 'h', { bytes: 10, share: 'honest.example' })
  for (let i = 0; i < 99; i++) map.set(`evil ${i}`, 'e', { bytes: 10, share: 'evil.example' })
  expect(map.size).toBe(100)
  for (let i = 99; i < 10_000; i++) map.set(`evil ${i}`, 'e', { bytes: 10, share: 'evil.example' })
  expect(map.get('honest')).toBe('h')
  for (let i = 0; i < 80; i++) map.set(`other ${i}`, 'o', { bytes: 10, share: `${i}.example` })
  expect([map.size, map.bytes]).toEqual([100, 1000])
  expect(map.get('honest')).toBe('h')
  expect(map.get('other 0')).toBe('o')
})

test('the cost of an operation does not grow with the number of entries', () => {
  const map = sharedMap<number, number>({ maxBytes: 10_000_000 })
  const before = process.cpuUsage()
  for (let i = 0; i < 200_000; i++) map.set(i, i, { bytes: 100, share: String(i % 5) })
  const { user, system } = process.cpuUsage(before)
  expect((user + system) / 200_000).toBeLessThan(50)
  expect(map.size).toBe(100_000)
})

test('deleteWhile drops entries from the least recently used on', () => {
  const map = sharedMap<string, number>({ maxBytes: 100 })
  for (const at of [1, 2, 3]) map.set(String(at), at, { bytes: 1, share: 'a' })
  map.deleteWhile(at => at < 3)
  expect([map.size, map.bytes, map.get('3')]).toEqual([1, 1, 3])
})

test('limits below 1 are refused', () => {
  expect(() => sharedMap({ maxBytes: 0 })).toThrow(RangeError)
  expect(() => sharedMap({ maxBytes: 10, maxEntries: Number.NaN })).toThrow(RangeError)
})
