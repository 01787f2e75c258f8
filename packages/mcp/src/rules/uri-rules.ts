import { foldedPath, shortNameFolders } from '@countersign/protocol'
import { bareFormsOf, foldedFormsOf, hasMarks, plainOf, readingsOf, rest, spellingsOf } from './uri-forms.js'

interface Pattern<T> {
  readonly rule: T
  /** As it was said, without its `*`, and what is not ASCII encoded. */
  readonly said: string
  readonly isBeginning: boolean
  readonly exact: Forms
  /** As servers have it that take several names for one. */
  readonly folded: Forms
  /** Likewise, without path parameters and streams. */
  readonly bare: Forms
}

/** The texts that a rule is about. */
interface Forms {
  /** What servers may take it for; without slashes at its end where it is no beginning. */
  readonly spellings: readonly string[]
  /** Of a beginning, and without those parts of it that a server may not look at. */
  readonly readings: readonly string[]
}

/**
 * The rule for a URI: exact, or of the longest beginning that ends in `*`.
 *
 * Servers parse a URI, decode it, tidy its path, keep their files in one normal form of Unicode, in any order, and look at no
 * query, fragment, user or port: `note://x/../private`, `file:///priv%61te?` or `note://me@private` must not go by a looser rule
 * than what they lead to. Nor must `file:///PRIVATE.`, for servers that look at no case, no compatibility forms, and no dots, spaces
 * and streams at the end of a name, or that leave out path parameters (`private;x`). Nor what ends at a NUL for one server only, nor
 * a short name of Windows (`PRIVAT~1`), nor `file:///private` where a rule is for `file:///private/*`. Nothing where one of all these texts has another rule, unless a rule says the very URI.
 * @throws TypeError for two rules that differ in nothing but how a text is encoded, or that such a server takes for one
 */
export function uriRules<T>(rules: ReadonlyMap<string, T>): (uri: string) => T | undefined {
  const patterns = [...rules].map(([pattern, rule]) => patternOf(pattern, rule))
  if (new Set([...rules.keys()].map(key => foldedPath(plainOf(key)))).size < rules.size)
    throw new TypeError('two rules are for one URI in two spellings')
  const isForAll = rules.size === 1 && rules.has('*')
  return name => {
    if (isForAll) return rules.get('*')
    const uri = inAscii(name)
    if (uri === undefined) return undefined
    const exact = patterns.find(({ said, isBeginning }) => !isBeginning && said === uri)
    if (exact !== undefined) return exact.rule
    const own = longestBeginning(patterns, uri)
    if (own === undefined) return undefined
    // What cannot be decoded each server takes for something else, and what has a control character is refused below.
    if (rules.size > 1 && (!isDecodable(uri) || /\p{Cc}/u.test(uri))) return undefined
    const keeps = (texts: ReadonlySet<string> | undefined, forms: FormsOf<T>): boolean =>
      texts !== undefined && [...texts].every(text => isUnder(own, text, { patterns, forms }))
    const readings = readingsOf(uri)
    // A server that ends a text at NUL, or leaves out a line break, reads another name than one that does not.
    if (rules.size > 1 && [...(readings ?? [])].some(text => /\p{Cc}/u.test(text))) return undefined
    const names = foldedFormsOf(uri, true)
    const isOwn =
      keeps(readings, ({ exact }) => exact) &&
      keeps(names, ({ folded }) => folded) &&
      (![...(names ?? [])].some(hasMarks) || keeps(bareFormsOf(uri, true), ({ bare }) => bare))
    return isOwn ? own.rule : undefined
  }
}

function patternOf<T>(pattern: string, rule: T): Pattern<T> {
  const isBeginning = pattern.endsWith('*')
  const text = isBeginning ? pattern.slice(0, -1) : pattern
  const said = inAscii(text)
  const whole = isBeginning ? `${text}${rest}` : text
  const exact = formsOf(spellingsOf(whole), readingsOf(whole), isBeginning)
  const folded = formsOf(foldedFormsOf(whole, false), foldedFormsOf(whole, true), isBeginning)
  const bare = formsOf(bareFormsOf(whole, false), bareFormsOf(whole, true), isBeginning)
  if (said === undefined || exact === undefined || folded === undefined || bare === undefined)
    throw new TypeError('a rule is for a URI that can be spelled in too many ways')
  return { rule, said, isBeginning, exact, folded, bare }
}

function formsOf(
  spellings: ReadonlySet<string> | undefined,
  readings: ReadonlySet<string> | undefined,
  isBeginning: boolean,
): Forms | undefined {
  if (spellings === undefined || readings === undefined) return undefined
  const all = [...spellings]
  return {
    spellings: isBeginning ? all.filter(one => one.endsWith(rest)).map(withoutRest) : all.map(untrailed),
    readings: [...readings]
      .filter(one => !(isBeginning ? one.endsWith(rest) && spellings.has(one) : spellings.has(one)))
      .map(withoutRest),
  }
}

function withoutRest(text: string): string {
  return text.endsWith(rest) ? text.slice(0, -rest.length) : text
}

/**
 * Whether no other rule is nearer to a text: a longer beginning, or all of it. One that says a user, a port or a query counts for
 * what is left of it without.
 */
function isUnder<T>(
  own: Pattern<T>,
  text: string,
  { patterns, forms }: { readonly patterns: readonly Pattern<T>[]; readonly forms: FormsOf<T> },
): boolean {
  const bare = untrailed(text)
  const nearness = (pattern: Pattern<T>): number => {
    const { spellings } = forms(pattern)
    if (!pattern.isBeginning) return spellings.includes(bare) ? 2 * text.length + 1 : -1
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

/** A folder without its slash is in the beginning that says it with one. */
function isWithin(text: string, beginning: string): boolean {
  return text.startsWith(beginning) || (beginning.length === text.length + 1 && beginning === `${text}/`)
}

type FormsOf<T> = (pattern: Pattern<T>) => Forms

/** Of a file and a folder of one name there is one. */
function untrailed(text: string): string {
  let end = text.length
  while (text[end - 1] === '/') end -= 1
  return text.slice(0, end)
}

function longestBeginning<T>(patterns: readonly Pattern<T>[], uri: string): Pattern<T> | undefined {
  let best: Pattern<T> | undefined
  for (const pattern of patterns)
    if (pattern.isBeginning && uri.startsWith(pattern.said) && pattern.said.length >= (best?.said.length ?? 0))
      best = pattern
  return best
}

/** With what is not ASCII as the URL parser spells it; nothing for what no encoding has. */
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
