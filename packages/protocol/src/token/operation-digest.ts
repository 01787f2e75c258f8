import { textHash } from '@countersign/httpsig/internal'

const first = ['@method', '@authority', '@path', '@query', 'content-type', 'content-encoding', 'content-digest']

/**
 * The digest that binds an approval to one request: SHA-256, base64url, over the lines of its signature base for `@method`,
 * `@authority`, `@path`, `@query`, `content-type`, `content-encoding` and `content-digest` (those there are, in this order), then for
 * every other component that is covered, by name, but `signature-key`; then, where there is one, the display.
 * @param base the signature base of the request (RFC 9421 §2.5)
 * @see protocol §9.4
 */
export function operationDigest(base: string, display?: readonly string[]): Promise<string> {
  const ranked = base
    .split('\n')
    .map(line => ({ rank: rankOf(/^"([^"]*)"/.exec(line)?.[1] ?? ''), line }))
    .filter(({ rank }) => rank !== '')
    // Components of one name, such as two of `@query-param`, stay as they stand in the base.
    .sort((a, b) => (a.rank === b.rank ? 0 : a.rank < b.rank ? -1 : 1))
  const all = ranked.map(({ line }) => line)
  // No display holds U+001F: two lists of strings never have the same line.
  if (display !== undefined) all.push(`"display": ${display.join('\u001f')}`)
  return textHash(all.join('\n'))
}

/** Sorts the fixed components before all others; empty for the lines that do not count. */
function rankOf(name: string): string {
  if (name === '@signature-params' || name === 'signature-key') return ''
  const at = first.indexOf(name)
  return at < 0 ? `~${name}` : `${at}`
}
