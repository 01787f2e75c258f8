import type { KeptEvent } from '../event/event.js'
import { lastSecond } from './event-id.js'

/** The members by which events are found. */
export const findable = ['type', 'agent', 'delegate', 'user', 'resource', 'txn'] as const
export type Findable = (typeof findable)[number]

/** What is gathered of the events of a tile until it is whole. */
export interface Gathered {
  /** Unix seconds. */
  earliest: number
  /** Unix seconds. */
  latest: number
  /** Of all values: {@link keyOf}. */
  readonly keys: Set<number>
}

/** Bits for each value, and how many of them are set: of 200 tiles that hold no such value, one is read for nothing. */
const bitsOfValue = 12
const marks = 6

/** The value of a member; undefined where the event has none, or it was forgotten. */
export function findableValue(event: KeptEvent, member: Findable): string | undefined {
  if (member !== 'user') return event[member]
  const user = event.personal?.['user']
  return user !== undefined && 'value' in user ? user.value : undefined
}

/**
 * The key of a value, 1 to 2³² - 1: a hash in the manner of FNV-1a, since SHA-256 would be most of the work. If an agent chooses a value
 * so that it collides with another one, a query reads more tiles; what it finds is compared exactly.
 */
export function keyOf(member: Findable, value: string): number {
  let key = 0x811c9dc5 + findable.indexOf(member)
  for (let at = 0; at < value.length; at++) key = Math.imul(key ^ value.charCodeAt(at), 0x01000193)
  key = Math.imul(key ^ (key >>> 16), 0x85ebca6b)
  return (key ^ (key >>> 13)) >>> 0 || 1
}

/** What is gathered of no event. */
export function nothingGathered(): Gathered {
  // bound: one call
  return { earliest: lastSecond, latest: 0, keys: new Set() }
}

/** What is gathered of events. */
export function gatheredOf(events: readonly KeptEvent[]): Gathered {
  const gathered = nothingGathered()
  for (const event of events) {
    gathered.earliest = Math.min(gathered.earliest, event.time)
    gathered.latest = Math.max(gathered.latest, event.time)
    for (const member of findable) {
      const value = findableValue(event, member)
      if (value !== undefined) gathered.keys.add(keyOf(member, value))
    }
  }
  return gathered
}

/** The Bloom filter of a tile. */
export function filterOf({ keys }: Gathered): Buffer {
  const bits = Buffer.alloc(Math.ceil((keys.size * bitsOfValue) / 8))
  for (const key of keys) for (const at of marksOf(key, bits)) bits[at >> 3] = (bits[at >> 3] ?? 0) | (1 << (at & 7))
  return bits
}

/** Whether a tile may hold all of these values; if not, it does not. */
export function mayHold(bits: Uint8Array, values: ReadonlyArray<readonly [Findable, string]>): boolean {
  if (bits.length === 0) return values.length === 0
  return values.every(([member, value]) =>
    marksOf(keyOf(member, value), bits).every(at => ((bits[at >> 3] ?? 0) & (1 << (at & 7))) !== 0),
  )
}

/** The bits of a key. The steps between them are another hash, so that two keys seldom share several. */
function marksOf(key: number, { length }: Uint8Array): number[] {
  const mixed = Math.imul(key ^ (key >>> 15), 0x2c1b3c6d)
  const step = (mixed ^ (mixed >>> 12)) >>> 0
  const found: number[] = []
  for (let mark = key; found.length < marks; mark += step) found.push(mark % (8 * length))
  return found
}
