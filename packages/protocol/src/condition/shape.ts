import { isIdentifier } from '../term/identifier.js'
import { isWord } from '../term/name.js'

/** Tells whether a value has the shape of one member. */
export type Shape = (value: unknown, o: ShapeOptions) => boolean

/** How strictly identifiers are read. */
export interface ShapeOptions {
  /** Admits loopback `http`. */
  readonly development: boolean
}

const wildcard = 'https://*.'
const wallClock = /^(?:[01][0-9]|2[0-3]):[0-5][0-9]$/
const longestPointer = 512
const loneSurrogate = /\p{Surrogate}/u

/** A whole number from `min` to `max`: by value, so 1.0 is 1. */
export function integer(min: number, max: number): Shape {
  return value => Number.isSafeInteger(value) && Number(value) >= min && Number(value) <= max
}

/** At least one, each of a shape: "every element of nothing" would hold. */
export function someOf(shape: Shape): Shape {
  return (value, o) => Array.isArray(value) && value.length > 0 && value.every(entry => shape(entry, o))
}

export const identifier: Shape = (value, o) => isIdentifier(value, o)

/** An identifier, or every name below a host. A `*` elsewhere is no identifier. */
export const resourceName: Shape = (value, o) =>
  isIdentifier(value, o) ||
  (typeof value === 'string' && value.startsWith(wildcard) && isIdentifier(value.replace(wildcard, 'https://')))

/** The name of a scope, purpose or operation. */
export const name: Shape = isWord

export const timeOfDay: Shape = value => typeof value === 'string' && wallClock.test(value)

/** A JSON pointer; a segment `*` stands for every member or element. @see RFC 6901 §3 */
export const pointer: Shape = value =>
  typeof value === 'string' &&
  value.length <= longestPointer &&
  !loneSurrogate.test(value) &&
  (value === '' || value.startsWith('/')) &&
  !/~(?![01])/.test(value)

export const scalar: Shape = value =>
  value === null || typeof value === 'boolean' || isText(value) || (typeof value === 'number' && Number.isFinite(value))

export const number: Shape = value => typeof value === 'number' && Number.isFinite(value)

export const text: Shape = isText

function isText(value: unknown): boolean {
  return typeof value === 'string' && !loneSurrogate.test(value)
}
