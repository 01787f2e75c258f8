import type { Owner } from './owner.js'

/** Bounds open subscriptions, by caller and by site. */
export interface Shares {
  /** @returns what to do when it ends; undefined where it is one too many */
  enter(owner: Owner): (() => void) | undefined
}

const [perCaller, perSite] = [3, 12]

export function openShares(): Shares {
  const counts = new Map<string, number>()
  return {
    enter({ key, agent, delegate }) {
      const site = agent === undefined ? 'none' : new URL(agent).hostname
      const names: ReadonlyArray<readonly [string, number]> = [
        [`caller ${JSON.stringify(agent === undefined ? [key] : [agent, delegate])}`, perCaller],
        [`site ${site}`, perSite],
      ]
      if (names.some(([name, most]) => (counts.get(name) ?? 0) >= most)) return undefined
      for (const [name] of names) counts.set(name, (counts.get(name) ?? 0) + 1)
      return () => {
        for (const [name] of names) counts.set(name, (counts.get(name) ?? 1) - 1)
      }
    },
  }
}
