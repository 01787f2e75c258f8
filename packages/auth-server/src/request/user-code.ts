import { randomInt } from 'node:crypto'

/** Consonants that are not easily confused; they spell no words. @see RFC 8628 §6.1 */
const letters = 'BCDFGHJKLMNPQRSTVWXZ'
const length = 8

/** A code that a user reads off a device: 8 letters of 20. */
export function newUserCode(): string {
  return Array.from({ length }, () => letters.charAt(randomInt(letters.length))).join('')
}

/** As it is shown: `BCDF-GHJK`. */
export function shownUserCode(code: string): string {
  return `${code.slice(0, length / 2)}-${code.slice(length / 2)}`
}

/** The code that a user typed, in any case and grouping; undefined when it cannot be a code. */
export function typedUserCode(text: string): string | undefined {
  if (text.length > 64) return undefined
  const code = text.replace(/[\s\-.]/g, '').toUpperCase()
  return code.length === length && [...code].every(letter => letters.includes(letter)) ? code : undefined
}
