import { ConfigurationError } from './configuration-error.js'

/** The members of a JSON object that is read. */
export type Members = Readonly<Record<string, unknown>>

/** @throws ConfigurationError where it is no object, or has a member that is not among `known` */
export function readMembers(place: string, value: unknown, known: readonly string[]): Members {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new ConfigurationError(`${place} must be an object`)
  for (const name of Object.keys(value))
    if (!known.includes(name))
      throw new ConfigurationError(`${place} has no option ${name}; its options are ${known.join(', ')}`)
  return value as Members
}

/** @throws ConfigurationError where it is there and no text */
export function readText(place: string, value: unknown): string | undefined {
  if (value === undefined || (typeof value === 'string' && value !== '')) return value as string | undefined
  throw new ConfigurationError(`${place} must be text`)
}

/** @throws ConfigurationError where it is there and no whole number of these bounds */
export function readInteger(
  place: string,
  value: unknown,
  bounds: { least: number; most: number },
): number | undefined {
  if (value === undefined) return undefined
  if (Number.isInteger(value) && Number(value) >= bounds.least && Number(value) <= bounds.most) return Number(value)
  throw new ConfigurationError(`${place} must be a whole number from ${bounds.least} to ${bounds.most}`)
}

/** @throws ConfigurationError where it is there and no list of texts */
export function readTexts(place: string, value: unknown): readonly string[] | undefined {
  if (value === undefined || (Array.isArray(value) && value.every(item => typeof item === 'string')))
    return value as string[] | undefined
  throw new ConfigurationError(`${place} must be a list of texts`)
}

/** @throws ConfigurationError where it is there and neither true nor false */
export function readFlag(place: string, value: unknown): boolean {
  if (value === undefined || typeof value === 'boolean') return value ?? false
  throw new ConfigurationError(`${place} must be true or false`)
}
