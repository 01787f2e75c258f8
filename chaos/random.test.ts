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
