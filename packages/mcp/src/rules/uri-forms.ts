import { foldedPath, withoutStreams } from '@countersign/protocol'

/** Stands for what follows a beginning: no URI of a rule has it. */
export const rest = '\uE000'

/** Forms of one URI that are looked at, and characters of it: a stranger chooses both. */
const mostForms = 64
const longest = 2048
/** Characters of all its forms together. */
const mostText = 16 * 1024

const beforePath = /^([a-z][a-z\d+.-]*:)?(\/\/[^\\/]*)?/i

type Way = (text: string) => string

/** Ways in which a server comes to another text for the same URI. */
const spelling: readonly Way[] = [decodedOnce, parsed, tidied]

/** And in which it leaves out what it does not look at. */
const leaving: readonly Way[] = [
  text => upTo(text, /[?#]/),
  text => upTo(text, /#/),
  text => text.replace(/^([^/?#]+:\/\/)[^/?#]*@/, '$1'),
  text => text.replace(/^([^/?#]+:\/\/[^/?#]*?):[\d\uE000]*(?=[/?#]|$)/, '$1'),
  withoutParameters,
  text => inPath(text, withoutStreams),
  // A host alone is what its root is.
  text => text.replace(/^[^/?#]+:\/\/[^/?#]+$/, '$&/'),
]

/** All texts that servers may take a URI for; undefined where there are too many. */
export function spellingsOf(uri: string): ReadonlySet<string> | undefined {
  return formsOf(uri, spelling)
}

/** As {@link spellingsOf}, also without the query, the fragment, the user and the port. */
export function readingsOf(uri: string): ReadonlySet<string> | undefined {
  return formsOf(uri, [...spelling, ...leaving])
}

function formsOf(uri: string, ways: readonly Way[]): ReadonlySet<string> | undefined {
  const all = closure(uri, ways)
  return all && new Set([...all].map(text => text.normalize('NFC')))
}

/**
 * As {@link spellingsOf}, or with `wider` as {@link readingsOf}, of what servers take for one name: each as `foldedPath` has it.
 * Undefined also for what nothing is left of.
 */
export function foldedFormsOf(uri: string, wider: boolean): ReadonlySet<string> | undefined {
  return closureOf(uri, wider ? [...spelling, ...leaving] : spelling, foldedPath)
}

/**
 * As {@link foldedFormsOf}, and with no path parameter (`;x`) and no stream (`:x`) in any segment: rules and URIs are compared
 * without them, since a server may leave out one that a stranger added and keep one that a rule says.
 */
export function bareFormsOf(uri: string, wider: boolean): ReadonlySet<string> | undefined {
  return closureOf(uri, wider ? [...spelling, ...leaving] : spelling, bare)
}

/** Whether a text has what {@link bareFormsOf} leaves out. */
export function hasMarks(text: string): boolean {
  return /[;:]/.test(text.replace(beforePath, ''))
}

function bare(text: string): string | undefined {
  const folded = foldedPath(text)
  return folded && foldedPath(inPath(withoutParameters(folded), withoutStreams))
}

/** All forms of a URI, each as `fold` has it; undefined where one has none. */
function closureOf(
  uri: string,
  ways: readonly Way[],
  fold: (text: string) => string | undefined,
): ReadonlySet<string> | undefined {
  const start = fold(uri)
  if (start === undefined) return undefined
  const folds = new Map<string, string>()
  const folded = (text: string): string => {
    const known = folds.get(text)
    if (known !== undefined) return known
    const made = fold(text) ?? unreadable
    folds.set(text, made)
    return made
  }
  const all = closure(
    start,
    ways.map((way): Way => {
      return text => {
        const made = way(text)
        return made === text ? text : folded(made)
      }
    }),
  )
  return all?.has(unreadable) ? undefined : all
}

// Stands for what nothing is left of: no URI is spelled so.
const unreadable = ''

/** A text and all that comes of it; undefined where that is too much. */
function closure(uri: string, ways: readonly Way[]): Set<string> | undefined {
  if (uri.length > longest) return undefined
  const all = new Set([uri])
  let room = mostText
  // Grows while it is walked: what one server decodes, the next one parses.
  for (const text of all) {
    room -= text.length
    for (const way of ways) all.add(way(text))
    if (all.size > mostForms || room < 0) return undefined
  }
  return all
}

/** As servlet containers read a path. */
function withoutParameters(text: string): string {
  return inPath(text, path => path.replace(/;[^/]*/g, ''))
}

/** Changes what follows the scheme and the host. */
function inPath(text: string, change: Way): string {
  const [head = ''] = beforePath.exec(text) ?? []
  return `${head}${change(text.slice(head.length))}`
}

function upTo(text: string, mark: RegExp): string {
  const at = text.search(mark)
  return at < 0 ? text : text.slice(0, at)
}

/** With nothing in it that is encoded. */
export function plainOf(text: string): string {
  const decoded = decodedOnce(text)
  return decoded === text ? text.normalize('NFC') : plainOf(decoded)
}

/** What is not UTF-8 stays as it is. */
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

/** As a file system takes a path. A query may be part of it: once it is decoded, `?` is a letter like any other. */
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
