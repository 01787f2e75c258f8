import {
  compareDecimals,
  decimalOf,
  type JsonNode,
  type Place,
  readRequestJson,
} from '@countersign/conditions/internal'
import { parseJson } from '@countersign/protocol/internal'
import { NotShowable } from './not-showable.js'

/** The body of a request, which knows what was read of it. */
export interface ShownBody {
  json(): unknown
  /** Whether a user sees all that it holds. */
  isShown(): boolean
}

/** Bytes of which a user is shown what is read of them as JSON. */
export interface ReadBytes {
  readonly bytes: Uint8Array
  /** By its headers it is JSON, and nothing else. */
  readonly isJson: boolean
}

/** The members and elements that were read, by their object or array. */
type Reads = Map<unknown, Set<string>>

interface Read {
  readonly value: unknown
  readonly root: JsonNode
  readonly text: string
}

export function shownBody({ bytes, isJson }: ReadBytes, unshown: Place): ShownBody {
  // bound: one call
  const reads: Reads = new Map()
  let read: Read | undefined
  let isRead = false
  const open = (): Read => {
    if (!isJson) throw new NotShowable('its body is not JSON') // approval.shown
    read ??= readBody(bytes)
    return read
  }
  return {
    json() {
      const { value } = open()
      isRead = true
      return viewOf(value, reads)
    },
    isShown() {
      // Operators name the whole body for what no description reads as JSON: forms, files.
      if (bytes.length === 0 || (unshown.kind === 'whole' && read === undefined)) return true
      const { value, root, text } = open()
      return isEmpty(root) || isSeen(root, { value, text, isRead, reads, place: unshown })
    },
  }
}

/** JSON in one reading: a member that stands twice, or again in another case, would be shown once and done otherwise. */
function readBody(bytes: Uint8Array): Read {
  try {
    const { root, text } = readRequestJson(bytes)
    return { root, text, value: parseJson(text, { maxDepth: 64 }) }
  } catch {
    throw new NotShowable('its body is not JSON that can be read in one way only')
  }
}

/** A value of which it is noted what is read. It cannot be changed: the next reader would be shown something else. */
function viewOf(value: unknown, reads: Reads): unknown {
  if (typeof value !== 'object' || value === null) return value
  return new Proxy(value, {
    get(target, name) {
      const found: unknown = Reflect.get(target, name)
      if (typeof name === 'symbol' || !Object.hasOwn(target, name)) return found
      // bound: one call
      const names = reads.get(target) ?? new Set()
      reads.set(target, names.add(name))
      return viewOf(found, reads)
    },
    defineProperty: () => false,
    deleteProperty: () => false,
  })
}

interface Seen {
  readonly value: unknown
  readonly text: string
  readonly isRead: boolean
  readonly reads: Reads
  readonly place: Place
}

/** Whether every leaf was read, or need not be shown. */
function isSeen(node: JsonNode, seen: Seen): boolean {
  const { value, text, isRead, reads, place } = seen
  if (place.kind === 'whole') return true
  // Of a number with more digits than JavaScript keeps, the user would see another one.
  if (node.kind === 'number') return isRead && isExact(text.slice(node.start, node.end), value) // approval.shown
  if (isEmpty(node) || !('members' in node || 'elements' in node)) return isRead
  const below = (name: string, child: JsonNode, next: Place): boolean =>
    isSeen(child, {
      ...seen,
      value: Reflect.get(Object(value), name),
      // Never of a member `__proto__`, which parseJson drops.
      isRead: reads.get(value)?.has(name) === true,
      place: next,
    })
  if (node.kind === 'object') return node.members.every(one => below(one.name, one.value, place.member(one.name)))
  return node.elements.every((one, at) => below(String(at), one, place.element(at)))
}

function isEmpty(node: JsonNode): boolean {
  if (node.kind === 'object') return node.members.length === 0
  return node.kind === 'array' && node.elements.length === 0
}

function isExact(written: string, value: unknown): boolean {
  return Number.isFinite(value) && compareDecimals(decimalOf(written), decimalOf(String(value))) === 0
}
