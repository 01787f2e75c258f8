import { isIdentifier } from './identifier.js'

/**
 * The accepted participants: `any`, a list, or a function. An entry is an identifier, or `https://*.host` for every name below `host`
 * (one or more labels, never `host` itself) with the same port.
 */
export type IdentifierList = 'any' | readonly string[] | ((id: string) => boolean | Promise<boolean>)

const wildcard = 'https://*.'

/** Tells whether an identifier is on a list. A malformed identifier is on no list. */
export async function isListed(list: IdentifierList, id: string): Promise<boolean> {
  // Otherwise https://evil.example/.acme.example would match https://*.acme.example.
  if (!isIdentifier(id, { development: true })) return false
  if (list === 'any') return true
  if (typeof list === 'function') return (await list(id)) === true
  return isAmong(list, id)
}

/** Tells whether an identifier is among the entries of a list. It must be well-formed. */
export function isAmong(entries: readonly string[], id: string): boolean {
  return entries.some(entry => entry === id || (entry.startsWith(wildcard) && isBelow(id, entry)))
}

function isBelow(id: string, entry: string): boolean {
  const suffix = entry.slice(wildcard.length - 1)
  const start = 'https://'.length
  return suffix.length > 1 && id.startsWith('https://') && id.length > start + suffix.length && id.endsWith(suffix)
}

/**
 * Checks a list in options, so that a misspelt entry is found at start and not at the first refusal.
 * @throws TypeError when an entry is neither an identifier nor a wildcard.
 */
// unchecked options options: its one member allows more, so a slip of it allows less; called for each name
export function checkIdentifierList(list: IdentifierList, options: { development?: boolean } = {}): void {
  if (list === 'any' || typeof list === 'function') return
  if (!Array.isArray(list)) throw new TypeError(`a list must be 'any', an array or a function`)
  for (const entry of list) {
    const plain = typeof entry === 'string' ? entry.replace(wildcard, 'https://') : entry
    if (!isIdentifier(plain, options))
      throw new TypeError(
        `${JSON.stringify(entry)} must be https://host or https://*.host, without a final slash; http needs development`,
      )
  }
}
