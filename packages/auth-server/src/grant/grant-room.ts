import { type BoundedMap, boundedMap } from '@countersign/protocol/internal'
import type { Store } from '@countersign/store'
import type { Tables } from '../tables.js'

/** Owners that are remembered. */
const mostOwners = 4096
/** Longer names of owners are not remembered: agents choose them, and all together they take 2 MiB at most. */
const longestName = 512

/** For how many more grants there is room, by the lock under which they are written. For use within the writes of one store. */
export interface GrantRoom {
  /** Takes room for one grant; false where the grants must be counted. */
  take(lock: string): boolean
  /** Notes for how many grants there is room, as this write has counted. */
  note(lock: string, room: number): void
}

/** What is known as of a version of the store. */
interface Known {
  version: number
  left: BoundedMap<string, { room: number }>
}

function nothingKnown(): Known['left'] {
  return boundedMap(mostOwners)
}

/** By the function that tells the version, which a store shares with its copies: all that write grants to it know of each other's. */
const knownBy = new WeakMap<() => number, Known>()

/**
 * Remembers what was counted until another connection changes the database or a write is undone: to count takes half as long as to insert.
 * Grants that end meanwhile only make it count sooner than it must.
 */
export function grantRoom({ version }: Pick<Store<Tables>, 'version'>): GrantRoom {
  if (version === undefined) return { take: () => false, note: () => undefined }
  const known = knownBy.get(version) ?? { version: 0, left: nothingKnown() }
  knownBy.set(version, known)
  const current = (): Known['left'] => {
    const now = version()
    // A count may be of a write that was undone, or too low by grants that another process has made.
    if (now !== known.version) known.left = nothingKnown()
    known.version = now
    return known.left
  }
  return {
    take(lock) {
      const left = current().get(lock)
      if (left === undefined || left.room <= 0) return false
      left.room--
      return true
    },
    note(lock, room) {
      if (lock.length <= longestName) current().set(lock, { room })
    },
  }
}
