import { expect } from 'vitest'
import type { ReplayEntry, ReplaySet } from './index.js'

/** Makes entries of one time that differ in what is told. */
export function entriesAt(created: number): (change?: Partial<ReplayEntry>) => ReplayEntry {
  return (change = {}) => ({
    authority: 'calendar.example',
    thumbprint: 'kPrK',
    base: '"@method": POST',
    created,
    partition: 'identified',
    principal: 'https://agent.example',
    ...change,
  })
}

/** Authority, key and base make a request another one, and nothing else does. */
export async function expectIdentity(set: ReplaySet, entry: ReturnType<typeof entriesAt>): Promise<void> {
  for (const change of [{}, { authority: 'rooms.example' }, { thumbprint: 'other' }, { base: '"@method": PUT' }])
    expect(await set.check(entry(change))).toBe('fresh')
  expect(await set.check(entry({ partition: 'token', principal: 'other' }))).toBe('replayed')
  // Fields cannot be shifted into one another.
  expect(await set.check(entry({ authority: 'a', thumbprint: 'bc' }))).toBe('fresh')
  expect(await set.check(entry({ authority: 'ab', thumbprint: 'c' }))).toBe('fresh')
}
