import { verifies } from '@countersign/requirements'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { boundedCache } from './bounded-cache.js'

const names = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'] as const
const long = process.env['COUNTERSIGN_LONG'] === '1'
const step = fc.record({
  what: fc.constantFrom('get', 'set', 'weigh', 'keep', 'delete'),
  name: fc.constantFrom(...names),
  bytes: fc.integer({ min: 0, max: 120 }),
  part: fc.constantFrom('metadata', 'jwks'),
})

/** The entries that must be in a cache, by the evictions it has reported. */
function modelOf(maxEntries: number, maxBytes: number) {
  const held = new Map<string, { readonly value: object; readonly parts: Map<string, number> }>()
  const cache = boundedCache<object>({ maxEntries, maxBytes, onEvict: name => held.delete(name) })
  const bytes = () =>
    [...held.values()].flatMap(({ parts }) => [...parts.values()]).reduce((sum, part) => sum + part, 0)
  return { held, cache, bytes }
}

test(
  verifies('discovery.bounded', 'after any operations the cache keeps its bounds and reports each entry it evicts'),
  () => {
    const bounds = fc.tuple(fc.integer({ min: 1, max: 6 }), fc.integer({ min: 1, max: 300 }))
    fc.assert(
      fc.property(bounds, fc.array(step, { maxLength: 60 }), ([maxEntries, maxBytes], steps) => {
        const { held, cache, bytes } = modelOf(maxEntries, maxBytes)
        for (const { what, name, ...weight } of steps) {
          const known = held.get(name)
          if (what === 'get') expect(cache.get(name)).toBe(known?.value)
          if (what === 'set') {
            const value = {}
            held.set(name, { value, parts: new Map() })
            cache.set(name, value)
          }
          if (what === 'weigh') {
            // A value that is no longer in the cache is neither weighed nor marked as proven.
            cache.weigh(name, {}, { ...weight, bytes: 1e9 })
            known?.parts.set(weight.part, weight.bytes)
            if (known !== undefined) cache.weigh(name, known.value, weight)
          }
          if (what === 'keep') cache.markProven(name, known?.value ?? {})
          if (what === 'delete') {
            held.delete(name)
            cache.delete(name)
          }
          expect(held.size).toBeLessThanOrEqual(maxEntries)
          expect(bytes()).toBeLessThanOrEqual(maxBytes)
        }
        for (const name of names) expect(cache.get(name)).toBe(held.get(name)?.value)
      }),
      { numRuns: long ? 100_000 : 1000 },
    )
  },
  long ? 600_000 : 30_000,
)

test(verifies('discovery.bounded', 'proven entries are evicted after unproven ones, and only by proven ones'), () => {
  const evicted: string[] = []
  const cache = boundedCache<string>({ maxEntries: 5, maxBytes: 51_200, onEvict: name => evicted.push(name) })
  for (const name of ['good', 'better']) {
    cache.set(name, name)
    cache.markProven(name, name)
  }
  for (let i = 0; i < 100; i++) cache.set(`stranger ${i}`, '')
  expect(evicted.length).toBe(97)
  expect(cache.get('good')).toBe('good')
  // A very large entry is never proven: a few such entries would evict hundreds.
  cache.weigh('good', 'good', { part: 'jwks', bytes: 101 })
  for (let i = 100; i < 200; i++) cache.set(`stranger ${i}`, '')
  expect([cache.get('good'), cache.get('better')]).toEqual([undefined, 'better'])
})
