import { ConfigurationError } from './configuration-error.js'

/** Letters, digits, punctuation and signs: nothing that moves a cursor, hides, or turns the direction of a text. */
const form = /^[\p{L}\p{N}\p{P}\p{S}](?:[\p{L}\p{N}\p{P}\p{S} ]{0,58}[\p{L}\p{N}\p{P}\p{S}])?$/u

/** Reads the name of an implementation. @throws ConfigurationError */
export function readName(place: string, value: unknown): string {
  if (typeof value === 'string' && value.length <= 120 && form.test(value)) return value
  throw new ConfigurationError(`${place} must be a name of 1 to 60 letters, digits, signs and spaces between them`)
}
