import { isShownText } from '../internal/shown-text.js'
import { isWord } from '../term/name.js'
import { isThumbprint } from './claims.js'
import { isObject } from './jws.js'

/**
 * One request that a user is asked to approve: the `operation` of a resource token.
 * @see protocol §9.4
 */
export interface Operation {
  /** The name of the operation, among `operations` of the resource's metadata. */
  readonly name: string
  /** Base64url SHA-256 of the request and of `display`. @see operationDigest */
  readonly digest: string
  /** What the request would do: by turns the words of the resource and values of the request. */
  readonly display?: readonly string[]
}

const maxDisplayCodePoints = 500
const maxDisplayParts = 64

/**
 * Tells whether a value may be shown to a user as what a request does: 1 to 64 strings, at most 500 code points together, with nothing that
 * turns text, cannot be seen, or is drawn over other text. What does not fit is refused, never cut.
 * @see protocol §9.4
 */
export function isDisplay(value: unknown): value is readonly string[] {
  if (!Array.isArray(value) || value.length === 0 || value.length > maxDisplayParts) return false
  // Part by part: two halves of a surrogate pair in two parts would be none when they are joined.
  if (!value.every(isShownPart)) return false // approval.display
  const text = value.join('')
  // No code point takes more than two UTF-16 units: longer text is refused before it is counted.
  return text.length <= 2 * maxDisplayCodePoints && [...text].length <= maxDisplayCodePoints
}

function isShownPart(part: unknown): boolean {
  // What is too long for all parts need not be searched.
  return typeof part === 'string' && part.length <= 2 * maxDisplayCodePoints && isShownText(part)
}

/** Reads the `operation` of a resource token; undefined when it is wrong. @see protocol §9.4 */
export function parseOperation(value: unknown): Operation | undefined {
  if (!isObject(value)) return undefined
  const { name, digest, display, ...others } = value
  const isRight = isWord(name) && isThumbprint(digest) && Object.keys(others).length === 0
  return isRight && (!('display' in value) || isDisplay(display)) ? (value as unknown as Operation) : undefined
}
