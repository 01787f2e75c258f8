import { expect, test } from 'vitest'
import { catalogue, roundsOf } from './faults/catalogue.js'
import { random } from './random.js'

const rounds = (seed: number, count: number): string[][] => {
  const all = roundsOf(catalogue, random(seed))
  return Array.from({ length: count }, () => [...(all.next().value ?? [])].map(({ name }) => name))
}

test('a seed repeats the order of faults, and another one has another order', () => {
  expect(rounds(7, 80)).toEqual(rounds(7, 80))
  expect(rounds(8, 80)).not.toEqual(rounds(7, 80))
})

test('each fault comes alone first, and then pairs that do not take the same thing', () => {
  const all = rounds(7, 200)
  const alone = all.slice(0, catalogue.length)
  expect(alone.flat().toSorted()).toEqual(catalogue.map(({ name }) => name).toSorted())
  const takes = new Map(catalogue.map(fault => [fault.name, fault.takes]))
  for (const pair of all.slice(catalogue.length)) {
    const taken = pair.flatMap(name => takes.get(name) ?? [])
    expect(pair.length).toBe(2)
    expect(new Set(taken).size, pair.join()).toBe(taken.length)
  }
})

test('each third pair sets a clock while Redis loses what it knew, where faults of both kinds are chosen', () => {
  const kinds = new Map(catalogue.map(fault => [fault.name, fault.of]))
  const pairs = rounds(7, 200).slice(catalogue.length)
  const marked = pairs.filter((_, round) => round % 3 === 0)
  expect(marked.map(pair => pair.map(name => kinds.get(name)))).toEqual(marked.map(() => ['clock', 'loss']))
  expect(new Set(marked.map(pair => pair.join())).size, 'not always the same').toBeGreaterThan(10)
  expect([...kinds].filter(([, of]) => of === 'loss').map(([name]) => name)).toEqual([
    'redis-kill',
    'redis-flush',
    'redis-evicting',
    'cluster-kill',
    'cluster-stop',
    'dns-lying',
  ])
  // Where one kind is missing, pairs are what they were.
  const calm = catalogue.filter(({ of }) => of !== 'clock')
  const without = roundsOf(calm, random(7))
  for (let round = 0; round < 100; round++) expect(without.next().value?.length).toBeGreaterThan(0)
})
