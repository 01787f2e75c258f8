import type { KeptEvent } from '../event/event.js'
import { hashBytes, leafHash } from '../tree/hash.js'
import { findable, findableValue, type Gathered, keyOf } from './filter.js'

const timeAt = hashBytes
/** Any six bytes are a whole number: a head that was changed in the database must stop nothing. */
const timeBytes = 6
const keysAt = timeAt + timeBytes

/**
 * Bytes of the head of an event: the hash of its leaf, its time, and the keys of the values by which it is found. The sequencer needs no
 * more of it.
 */
export const headBytes: number = keysAt + 4 * findable.length

/** The most events of one row. */
export const mostHeads = 32

/** In place of the key of a value that the event does not have. */
const none = 0

/** An event, its record and its leaf. */
export interface AppendedEvent {
  readonly event: KeptEvent
  readonly record: string
  readonly leaf: string
}

/** The heads of events, one after another. */
export function headsOf(events: readonly AppendedEvent[]): Buffer {
  const heads = Buffer.allocUnsafe(events.length * headBytes)
  let at = 0
  for (const { event, leaf } of events) {
    heads.set(leafHash(leaf), at)
    at = heads.writeUIntLE(event.time, at + timeAt, timeBytes)
    for (const member of findable) {
      const value = findableValue(event, member)
      at = heads.writeUInt32LE(value === undefined ? none : keyOf(member, value), at)
    }
  }
  return heads
}

/** The hash of the leaf of the event whose head begins at `from`. */
export function hashIn(heads: Uint8Array, from: number): Uint8Array {
  return heads.subarray(from, from + hashBytes)
}

const userAt = keysAt + 4 * findable.indexOf('user')

/** Whether one of the events may be of a user with one of these keys. */
export function holdsUser(heads: Buffer, keys: ReadonlySet<number>): boolean {
  for (let from = 0; from + headBytes <= heads.length; from += headBytes)
    if (keys.has(heads.readUInt32LE(from + userAt))) return true
  return false
}

/** Forgets the user in the head that begins at `from`. */
export function dropUser(heads: Buffer, from: number): void {
  if (from + headBytes <= heads.length) heads.writeUInt32LE(none, from + userAt)
}

/** Gathers what the event is found by whose head begins at `from`. */
export function gatherHead(gathered: Gathered, heads: Buffer, from: number): void {
  const time = heads.readUIntLE(from + timeAt, timeBytes)
  if (time < gathered.earliest) gathered.earliest = time
  if (time > gathered.latest) gathered.latest = time
  for (let at = from + keysAt; at < from + headBytes; at += 4) {
    const key = heads.readUInt32LE(at)
    if (key !== none) gathered.keys.add(key)
  }
}
