import { expect } from 'vitest'

/** A request as a replay set knows it. The shapes are written out here, so that any package may use these tests. */
interface ReplayEntry {
  readonly authority: string
  readonly thumbprint: string
  readonly base: string
  readonly created: number
  readonly partition: 'pseudonymous' | 'identified' | 'authorized' | 'token'
  readonly principal: string
  readonly site?: string | undefined
}

interface ReplaySet {
  check(entry: ReplayEntry): Promise<string>
  seen?(entry: ReplayEntry): Promise<boolean>
}

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

/** Asking whether a request is remembered remembers nothing and takes no room. */
export async function expectSeen(set: ReplaySet, entry: ReturnType<typeof entriesAt>): Promise<void> {
  const seen = (change: Partial<ReplayEntry> = {}) => set.seen?.(entry(change))
  expect([await seen(), await seen()]).toEqual([false, false])
  expect(await set.check(entry())).toBe('fresh')
  expect(await seen()).toBe(true)
  // Whose share it takes makes it no other request.
  expect(await seen({ partition: 'token', principal: 'other', site: 'other.example' })).toBe(true)
  for (const change of [{ authority: 'rooms.example' }, { thumbprint: 'other' }, { base: 'other' }])
    expect(await seen(change)).toBe(false)
  expect(await set.check(entry())).toBe('replayed')
  expect(await set.check(entry({ base: 'other' }))).toBe('fresh')
}
