import { expect, test } from 'vitest'
import { sharesOf } from './shares.js'

function shares() {
  const clock = { now: 1_800_000_000 }
  return { clock, shares: sharesOf(() => clock.now) }
}

test('one caller gets 60 events in ten minutes, those of one site 120, and all together 1200', () => {
  const { shares: all } = shares()
  const taken = (count: number, who: (n: number) => object): number =>
    Array.from({ length: count }, (_, n) => all.take(who(n))).filter(Boolean).length
  expect(taken(100, () => ({ agent: 'https://a.example' }))).toBe(60)
  expect(taken(500, n => ({ agent: `https://a${n}.evil.example`, site: 'evil.example' }))).toBe(120)
  expect(taken(5000, n => ({ agent: `https://b${n}.example`, site: `b${n}.example` }))).toBe(1020)
})

test('what was too much is counted: 20 callers apart, all others together, however many they are', () => {
  const { clock, shares: all } = shares()
  for (let n = 0; n < 1200; n++) all.take({ agent: `https://first${n}.example` })
  for (let n = 0; n < 10_000; n++) expect(all.take({ agent: `https://late${n}.example` })).toBe(false)
  expect(all.over('ended')).toEqual([])
  clock.now += 600
  const told = all.over('ended')
  expect(told).toHaveLength(21)
  expect(told[0]).toEqual({ agent: 'https://late0.example', refusals: 1, since: 1_800_000_000 })
  expect(told[20]).toEqual({ refusals: 9980, since: 1_800_000_000 })
  // Told once, and the next window has room again.
  expect([all.over('any'), all.take({ agent: 'https://late0.example' })]).toEqual([[], true])
})

test('a clock that went back begins a new window', () => {
  const { clock, shares: all } = shares()
  for (let n = 0; n < 61; n++) all.take({ agent: 'https://a.example' })
  expect(all.take({ agent: 'https://a.example' })).toBe(false)
  clock.now -= 700
  expect(all.take({ agent: 'https://a.example' })).toBe(true)
})
