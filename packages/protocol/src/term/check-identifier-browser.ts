import { type IdentifierOptions, isIdentifier } from './identifier.js'

/** As on servers, but without the advice, to keep a page small. */
export function checkIdentifier(what: string, value: unknown, options: IdentifierOptions): asserts value is string {
  if (!isIdentifier(value, options)) throw new TypeError(`${what} must be an identifier`)
}
