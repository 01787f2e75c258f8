import { expect, test, vi } from 'vitest'
import { inTime, signalledInTime } from './in-time.js'

const late = (): Error => new Error('too late')
const never = new Promise<never>(() => {})
const soon = { seconds: 0.01, late }
const much = { seconds: 60, late }

test('work that ends in time settles as it does, and leaves no timer', async () => {
  vi.useFakeTimers()
  try {
    expect(await inTime(much, Promise.resolve(1))).toBe(1)
    await expect(inTime(much, Promise.reject(new Error('its own')))).rejects.toThrow('its own')
    expect(await signalledInTime(much, async () => 2)).toBe(2)
    expect(vi.getTimerCount()).toBe(0)
  } finally {
    vi.useRealTimers()
  }
})

test('work that never ends is rejected at the deadline', async () => {
  await expect(inTime(soon, never)).rejects.toThrow('too late')
  await expect(signalledInTime(soon, () => never)).rejects.toThrow('too late')
})

test('the signal aborts at the deadline, and when the outer one does', async () => {
  const seen: unknown[] = []
  const hear = (signal: AbortSignal): Promise<never> => {
    signal.addEventListener('abort', () => seen.push(signal.reason))
    return never
  }
  await expect(signalledInTime(soon, hear)).rejects.toThrow('too late')
  const outer = new AbortController()
  const waits = signalledInTime({ ...much, outer: outer.signal }, hear)
  outer.abort('enough')
  await expect(waits).rejects.toBe('enough')
  expect(seen).toEqual([late(), 'enough'])
})

test('work does not begin when the outer signal has aborted', async () => {
  const work = vi.fn(() => never)
  await expect(signalledInTime({ ...much, outer: AbortSignal.abort('before') }, work)).rejects.toBe('before')
  expect(work).not.toHaveBeenCalled()
})

test('after the work, the deadline leaves the signal alone', async () => {
  const signal = await signalledInTime(soon, async given => given)
  await new Promise(resolve => setTimeout(resolve, 30))
  expect(signal.aborted).toBe(false)
})
