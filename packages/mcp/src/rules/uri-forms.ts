import { compatibleText, foldedPath, withoutStreams } from '@countersign/protocol/internal'

/** A placeholder for the text after a prefix; no URI of a rule has it. */
export const rest = '\uE000'

/** Most forms of one URI, and most characters of it: callers choose the URI. */
const mostForms = 64
const longest = 2048
/** Most characters of all its forms together. */
const mostText = 16 * 1024

const beforePath = /^([a-z][a-z\d+.-]*:)?(\/\/[^\\/]*)?/i

type Way = (text: string) => string

/** Ways in which servers turn a URI into another text. */
const spelling: readonly Way[] = [decodedOnce, parsed, tidied]

/** Ways in which servers leave out parts that they ignore. */
const leaving: readonly Way[] = [
  text => upTo(text, /[?#]/),
  text => upTo(text, /#/),
  text => text.replace(/^([^/?#]+:\/\/)[^/?#]*@/, '$1'),
  text => text.replace(/^([^/?#]+:\/\/[^/?#]*?):[\d\uE000]*(?=[/?#]|$)/, '$1'),
  withoutParameters,
  text => inPath(text, withoutStreams),
  // A host alone means its root.
  text => text.replace(/^[^/?#]+:\/\/[^/?#]+$/, '$&/'),
]

/** All texts that servers may read a URI as; undefined when there are too many. */
export function spellingsOf(uri: string): ReadonlySet<string> | undefined {
  return formsOf(uri, spelling)
}

/** As {@link spellingsOf}, and the same without query, fragment, user and port. */
export function readingsOf(uri: string): ReadonlySet<string> | undefined {
  return formsOf(uri, [...spelling, ...leaving])
}

function formsOf(uri: string, ways: readonly Way[]): ReadonlySet<string> | undefined {
  const all = closureOfUri(uri, ways)
  return all && new Set([...all].map(text => text.normalize('NFC')))
}

/**
 * As {@link spellingsOf}, or with `wider` as {@link readingsOf}, each folded by `foldedPath`: servers that ignore case read several
 * names as one. Undefined also when folding leaves nothing.
 */
export function foldedFormsOf(uri: string, wider: boolean): ReadonlySet<string> | undefined {
  return closureOf(uri, wider ? [...spelling, ...leaving] : spelling, foldedPath)
}

/**
 * As {@link foldedFormsOf}, without path parameters (`;x`) and streams (`:x`) in any segment. A server may leave out one that the
 * caller added and keep one that the rule has, so both sides are compared without them.
 */
export function bareFormsOf(uri: string, wider: boolean): ReadonlySet<string> | undefined {
  return closureOf(uri, wider ? [...spelling, ...leaving] : spelling, bare)
}

/** Whether a text has marks that {@link bareFormsOf} leaves out. */
export function hasMarks(text: string): boolean {
  return /[;:]/.test(text.replace(beforePath, ''))
}

function bare(text: string): string | undefined {
  const folded = foldedPath(text)
  return folded && foldedPath(inPath(withoutParameters(folded), withoutStreams))
}

/**
 * All forms of a URI, each folded; undefined when one cannot be folded.
 * They are folded after they are read: folding leaves out the second dot of `%2e.`, which some servers read as `..` (dot segments).
 */
function closureOf(
  uri: string,
  ways: readonly Way[],
  fold: (text: string) => string | undefined,
): ReadonlySet<string> | undefined {
  const texts = closureOfUri(uri, [...ways, compatibleText])
  if (texts === undefined) return undefined
  // bound: one call
  const folds = new Map<string, string>()
  const folded = (text: string): string => {
    const known = folds.get(text)
    if (known !== undefined) return known
    const made = fold(text) ?? unreadable
    folds.set(text, made)
    return made
  }
  const all = closure(
    [...texts].map(folded),
    ways.map((way): Way => {
      return text => {
        const made = way(text)
        return made === text ? text : folded(made)
      }
    }),
  )
  return all?.has(unreadable) ? undefined : all
}

// A placeholder for a form that cannot be folded; no URI is the empty text.
const unreadable = ''

function closureOfUri(uri: string, ways: readonly Way[]): Set<string> | undefined {
  return uri.length > longest ? undefined : closure([uri], ways)
}

/** Some texts, and all texts that repeated application of the ways makes of them; undefined when there are too many. */
function closure(texts: readonly string[], ways: readonly Way[]): Set<string> | undefined {
  // bound: one call
  const all = new Set(texts)
  let room = mostText
  // The set grows while it is walked: one server decodes what the next one parses.
  for (const text of all) {
    room -= text.length
    for (const way of ways) all.add(way(text))
    if (all.size > mostForms || room < 0) return undefined
  }
  return all
}

/** A path as servlet containers read it. */
function withoutParameters(text: string): string {
  return inPath(text, path => path.replace(/;[^/]*/g, ''))
}

/** Changes the part after the scheme and the host. */
function inPath(text: string, change: Way): string {
  const [head = ''] = beforePath.exec(text) ?? []
  return `${head}${change(text.slice(head.length))}`
}

function upTo(text: string, mark: RegExp): string {
  const at = text.search(mark)
  return at < 0 ? text : text.slice(0, at)
}

/** The text with all percent-encoding decoded, however often it was encoded. */
export function plainOf(text: string): string {
  const decoded = decodedOnce(text)
  return decoded === text ? text.normalize('NFC') : plainOf(decoded)
}

/** Decodes percent-encoding once; bytes that are not UTF-8 stay encoded. */
function decodedOnce(text: string): string {
  return text.replaceAll(/%[0-7][\da-f]|(?:%[89a-f][\da-f])+/gi, bytes => {
    try {
      return decodeURIComponent(bytes)
    } catch {
      return bytes.toUpperCase()
    }
  })
}

function parsed(text: string): string {
  return URL.canParse(text) ? new URL(text).href.replaceAll('%EE%80%80', rest) : text
}

/** The path as a file system resolves it. A query may be part of it: a decoded `?` is a character like any other. */
function tidied(text: string): string {
  const [head = '', scheme = '', host = ''] = beforePath.exec(text) ?? []
  const parts: string[] = []
  const said = text.slice(head.length).split(/[\\/]+/)
  for (const part of said) {
    if (part === '..' && parts.length > (parts[0] === '' ? 1 : 0)) parts.pop()
    else if (part !== '.' && part !== '..') parts.push(part)
  }
  if (/^\.\.?$/.test(said.at(-1) ?? '')) parts.push('')
  return `${scheme.toLowerCase()}${host}${parts.join('/')}`
}
