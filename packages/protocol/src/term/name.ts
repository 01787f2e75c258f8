import { parseScope } from './scope.js'

/** The longest name of a purpose, operation or data view, in characters. */
const longestName = 128

/** Tells whether a value is at most 64 names, each once, set apart by single spaces. @see protocol §9.1 */
export function isWords(value: unknown): value is string {
  try {
    return typeof value === 'string' && parseScope(value).every(name => name.length <= longestName)
  } catch {
    return false
  }
}

/** Tells whether a value names a purpose, an operation or a data view: characters of a scope token, at most 128. @see protocol §9.1 */
export function isWord(value: unknown): value is string {
  return isWords(value) && !value.includes(' ')
}
