import { textHash } from '@countersign/httpsig/internal'
import { boundedMap } from '@countersign/protocol/internal'
import type { Continuations, SealedContinued } from './continuations.js'

/** Most states and tasks that are remembered, and most characters of what is kept of each. */
const [mostKept, mostText] = [1000, 2048] as const

/**
 * For a resource that only observes: states and ids of tasks go out as the server gave them, since observing changes no response, and are
 * remembered with their callers, so that events can say what enforcing would refuse. Of those that are not remembered any more, nothing
 * is said. What was sealed before, while the resource enforced, is read as well.
 */
export function observedContinuations(sealed: Continuations, at: string): Continuations {
  // Servers may give the same to several: then whose it is cannot be said.
  // bound: 1000 states and tasks, of a resource that only observes; bytes: 1000 × 2 KiB; grown by a stranger; shared:
  // by use: the one unused for longest goes, and nothing is told of it; filled by mcp/src/observe.test.ts "what is
  // remembered is bounded"
  const given = boundedMap<string, SealedContinued | 'several'>(mostKept)
  const keyOf = (kind: string, value: unknown): Promise<string> => textHash(JSON.stringify([kind, value]))
  return {
    async seal(continued, owner) {
      const { kind, of, value } = continued
      // The server gets the value as its caller sends it: it need not be kept.
      const kept = { kind, of, owner, at }
      const text = JSON.stringify(kept)
      if (value === undefined || text.length > mostText) return value
      const key = await keyOf(kind, value)
      const known = given.get(key)
      given.set(key, known === undefined || JSON.stringify(known) === text ? kept : 'several')
      return value
    },
    // The server goes on with its own states as it likes.
    takeOnce: async () => true,
    async read(kind, sent) {
      if (typeof sent !== 'string') return undefined
      const known = given.get(await keyOf(kind, sent))
      if (known === 'several') return undefined
      return known === undefined ? sealed.read(kind, sent) : { ...known, value: sent }
    },
  }
}
