import { checkOptions } from '@countersign/protocol/internal'
import { crowdOf, holderOf, isKnown, type Owner } from '../message/owner.js'

/** How many streams may be open at the same time. */
export interface StreamLimits {
  /** All subscriptions; default 10 000. The agents of one site have at most a tenth of them. */
  readonly subscriptions: number
  /** Subscriptions of one caller; default 16. */
  readonly perCaller: number
}

/** The default limits. */
export const defaultStreamLimits: StreamLimits = { subscriptions: 10_000, perCaller: 16 }

/** Counts open streams, so that one caller, or one site with many names, cannot take all of them. */
export interface StreamShares {
  /** @returns call it once when the stream ends; undefined when there is no room for the caller */
  enter(owner: Owner): (() => void) | undefined
}

export function streamShares(limits: StreamLimits): StreamShares {
  const checks = { subscriptions: 'number', perCaller: 'number' } as const
  checkOptions('streamShares', limits, checks, ['subscriptions', 'perCaller'])
  const { subscriptions, perCaller } = limits
  // bound: callers and sites of 10 000 subscriptions; bytes: 20 000 × 300; grown by a stranger; shared: a caller 16, a
  // site a tenth; filled by shares.test.ts "no more than all"
  const counts = new Map<string, number>()
  const perCrowd = Math.max(perCaller, Math.floor(subscriptions / 10))
  const add = (key: string, more: 1 | -1): void => {
    const count = (counts.get(key) ?? 0) + more
    if (count === 0) counts.delete(key)
    else counts.set(key, count)
  }
  return {
    enter(owner) {
      const keys: Array<readonly [string, number]> = [
        ['all', subscriptions],
        [`crowd ${crowdOf(owner)}`, perCrowd],
      ]
      // Anonymous callers cannot be told from each other: they are one crowd.
      if (isKnown(owner)) keys.push([`caller ${holderOf(owner)}`, perCaller])
      if (keys.some(([key, most]) => (counts.get(key) ?? 0) >= most)) return undefined
      for (const [key] of keys) add(key, 1)
      let isOpen = true
      return () => {
        if (!isOpen) return
        isOpen = false
        for (const [key] of keys) add(key, -1)
      }
    },
  }
}
