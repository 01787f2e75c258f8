import { foldedPath, shortNameFolders } from '@countersign/protocol/internal'
import { bareFormsOf, foldedFormsOf, hasMarks, plainOf, readingsOf, rest, spellingsOf } from './uri-forms.js'

interface Pattern<T> {
  readonly rule: T
  /** The URI as written, without its `*`, with non-ASCII characters percent-encoded. */
  readonly written: string
  readonly isPrefix: boolean
  readonly exact: Forms
  /** The forms for servers that treat several names as one. */
  readonly folded: Forms
  /** The folded forms without path parameters and streams. */
  readonly bare: Forms
}

/** The texts of a rule's URI. */
interface Forms {
  /** All texts that servers may read it as; an exact URI without final slashes. */
  readonly spellings: readonly string[]
  /** The texts that remain when a server ignores a part of it, such as the query. */
  readonly readings: readonly string[]
}

/**
 * Makes the lookup from URIs to rules: an exact rule, or the longest prefix that ends in `*`.
 *
 * Servers read one URI in several ways, so a URI must not pass under a laxer rule than the resource that some server finds there.
 * The lookup returns undefined when any of these readings has another rule, unless a rule has exactly this URI:
 * - parsed, decoded, its path resolved, in another normal form of Unicode: `note://x/../private`, `file:///priv%61te`
 * - without query, fragment, user or port: `note://private?x`, `note://me@private`
 * - in another case or compatibility form, without dots, spaces and streams at the end of a name: `file:///PRIVATE.`
 * - without path parameters: `private;x`
 * - cut off at a NUL, or without a line break
 * - a short name of Windows: `PRIVAT~1`
 * - `file:///private` when a rule is for `file:///private/*`
 * @throws TypeError for two rules whose URIs differ only in spelling, or that some server reads as one
 */
export function uriRules<T>(rules: ReadonlyMap<string, T>): (uri: string) => T | undefined {
  const patterns = [...rules].map(([pattern, rule]) => patternOf(pattern, rule))
  if (new Set([...rules.keys()].map(key => foldedPath(plainOf(key)))).size < rules.size)
    throw new TypeError('two rules have the same URI in different spellings')
  const isForAll = rules.size === 1 && rules.has('*')
  return name => {
    if (isForAll) return rules.get('*')
    const uri = inAscii(name)
    if (uri === undefined) return undefined
    const exact = patterns.find(({ written, isPrefix }) => !isPrefix && written === uri)
    if (exact !== undefined) return exact.rule
    const own = longestPrefix(patterns, uri)
    if (own === undefined) return undefined
    // Servers differ in how they read what cannot be decoded, and control characters.
    if (rules.size > 1 && (!isDecodable(uri) || /\p{Cc}/u.test(uri))) return undefined
    const allOwn = (texts: ReadonlySet<string> | undefined, forms: FormsOf<T>): boolean =>
      texts !== undefined && [...texts].every(text => isUnder(own, text, { patterns, forms }))
    const readings = readingsOf(uri)
    // Also when they appear only after decoding: some servers end a text at NUL, or leave out line breaks.
    if (rules.size > 1 && [...(readings ?? [])].some(text => /\p{Cc}/u.test(text))) return undefined
    const names = foldedFormsOf(uri, true)
    const isOwn =
      allOwn(readings, ({ exact }) => exact) &&
      allOwn(names, ({ folded }) => folded) &&
      (![...(names ?? [])].some(hasMarks) || allOwn(bareFormsOf(uri, true), ({ bare }) => bare))
    return isOwn ? own.rule : undefined
  }
}

function patternOf<T>(pattern: string, rule: T): Pattern<T> {
  const isPrefix = pattern.endsWith('*')
  const text = isPrefix ? pattern.slice(0, -1) : pattern
  const written = inAscii(text)
  const whole = isPrefix ? `${text}${rest}` : text
  const exact = formsOf(spellingsOf(whole), readingsOf(whole), isPrefix)
  const folded = formsOf(foldedFormsOf(whole, false), foldedFormsOf(whole, true), isPrefix)
  const bare = formsOf(bareFormsOf(whole, false), bareFormsOf(whole, true), isPrefix)
  if (written === undefined || exact === undefined || folded === undefined || bare === undefined)
    throw new TypeError('the URI of a rule has too many spellings')
  return { rule, written, isPrefix, exact, folded, bare }
}

function formsOf(
  spellings: ReadonlySet<string> | undefined,
  readings: ReadonlySet<string> | undefined,
  isPrefix: boolean,
): Forms | undefined {
  if (spellings === undefined || readings === undefined) return undefined
  const all = [...spellings]
  return {
    spellings: isPrefix ? all.filter(one => one.endsWith(rest)).map(withoutRest) : all.map(untrailed),
    readings: [...readings]
      .filter(one => !(isPrefix ? one.endsWith(rest) && spellings.has(one) : spellings.has(one)))
      .map(withoutRest),
  }
}

function withoutRest(text: string): string {
  return text.endsWith(rest) ? text.slice(0, -rest.length) : text
}

/**
 * Whether no other rule is nearer to a text: an exact rule, or a longer prefix. A rule with a user, a port or a query also counts
 * without these parts.
 */
function isUnder<T>(
  own: Pattern<T>,
  text: string,
  { patterns, forms }: { readonly patterns: readonly Pattern<T>[]; readonly forms: FormsOf<T> },
): boolean {
  const bare = untrailed(text)
  const nearness = (pattern: Pattern<T>): number => {
    const { spellings } = forms(pattern)
    if (!pattern.isPrefix) return spellings.includes(bare) ? 2 * text.length + 1 : -1
    return Math.max(-1, ...spellings.filter(one => isWithin(text, one)).map(({ length }) => 2 * length))
  }
  const without = forms(own)
    .readings.filter(one => text.startsWith(one))
    .map(({ length }) => 2 * length + 1)
  const nearest = Math.max(nearness(own), ...without)
  if (nearest < 0) return false
  const others = patterns.filter(({ rule }) => rule !== own.rule)
  const folders = shortNameFolders(text, Math.floor(nearest / 2))
  const names = (other: Pattern<T>): readonly string[] => forms(other).spellings
  return others.every(
    other =>
      nearness(other) <= nearest &&
      !folders.some(folder => names(other).some(name => name.length > folder.length && name.startsWith(folder))),
  )
}

/** Whether a text is under a prefix; a folder without its slash is under the prefix that has one. */
function isWithin(text: string, prefix: string): boolean {
  return text.startsWith(prefix) || (prefix.length === text.length + 1 && prefix === `${text}/`)
}

type FormsOf<T> = (pattern: Pattern<T>) => Forms

/** The text without final slashes: a file and a folder cannot have the same name. */
function untrailed(text: string): string {
  let end = text.length
  while (text[end - 1] === '/') end -= 1
  return text.slice(0, end)
}

function longestPrefix<T>(patterns: readonly Pattern<T>[], uri: string): Pattern<T> | undefined {
  let best: Pattern<T> | undefined
  for (const pattern of patterns)
    if (pattern.isPrefix && uri.startsWith(pattern.written) && pattern.written.length >= (best?.written.length ?? 0))
      best = pattern
  return best
}

/** The text with non-ASCII characters percent-encoded, as the URL parser does; undefined for a lone surrogate. */
function inAscii(text: string): string | undefined {
  return /\p{Surrogate}/u.test(text) ? undefined : text.replaceAll(/[^\0-\x7f]+/g, encodeURIComponent)
}

function isDecodable(uri: string): boolean {
  try {
    decodeURIComponent(uri)
    return true
  } catch {
    return false
  }
}
