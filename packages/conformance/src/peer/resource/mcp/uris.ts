import { deniedByPolicy } from '../../shared/refusal.js'
import type { Rule } from './rules.js'

type Way = (uri: string) => string

const [mostForms, mostText, longest] = [64, 16 * 1024, 2048]
const head = /^(?:[a-z][a-z\d+.-]*:)?(?:\/\/[^/\\]*)?/i

/** Changes the part behind scheme and host. */
const inPath =
  (change: Way): Way =>
  uri => {
    const [before = ''] = head.exec(uri) ?? []
    return `${before}${change(uri.slice(before.length))}`
  }

/** What servers make of a URI. @see protocol §12 */
const ways: readonly Way[] = [
  // Another spelling.
  uri => (URL.canParse(uri) ? new URL(uri).href : uri),
  decoded,
  uri => inPath(resolved)(uri.replaceAll('\\', '/')),
  uri => uri.normalize('NFC'),
  // Without what some do not tell apart.
  uri =>
    uri
      .normalize('NFKC')
      .replace(/\p{Default_Ignorable_Code_Point}/gu, '')
      .toLowerCase(),
  inPath(path => path.replace(/[. ]+(?=\/|$)/g, '')),
  inPath(path => path.replace(/:[^/]*/g, '')),
  // Without a part.
  uri => uri.replace(/\?.*$/, ''),
  uri => uri.replace(/#.*$/, ''),
  uri => uri.replace(/^([^/?#]+:\/\/)[^/?#]*@/, '$1'),
  uri => uri.replace(/^([^/?#]+:\/\/[^/?#]*?):\d*(?=[/?#]|$)/, '$1'),
  inPath(path => path.replace(/;[^/]*/g, '')),
]

function decoded(uri: string): string {
  return uri.replace(/(?:%[\da-f]{2})+/gi, bytes => {
    try {
      return decodeURIComponent(bytes)
    } catch {
      return bytes
    }
  })
}

/** A path as a file system resolves it. */
function resolved(path: string): string {
  const parts: string[] = []
  for (const part of path.split(/\/+/)) {
    if (part === '..') {
      if (parts.length > 1) parts.pop()
    } else if (part !== '.') parts.push(part)
  }
  return parts.join('/')
}

/** All forms of a URI; undefined where there are too many. */
function formsOf(uri: string): ReadonlySet<string> | undefined {
  if (uri.length > longest) return undefined
  const all = new Set([uri])
  let bytes = 0
  // The set grows while it is walked: one server decodes what the next one parses.
  for (const form of all) {
    bytes += Buffer.byteLength(form)
    for (const way of ways) all.add(way(form))
    if (all.size > mostForms || bytes > mostText) return undefined
  }
  return all
}

/** The rule of a URI: its own, or that of the longest beginning. */
function nearest(rules: Readonly<Record<string, Rule>>, uri: string): Rule | undefined {
  const beginnings = Object.keys(rules).filter(name => name.endsWith('*') && isUnder(uri, name.slice(0, -1)))
  const [longestOne = uri] = beginnings.sort((one, other) => other.length - one.length)
  return Object.hasOwn(rules, uri) ? rules[uri] : rules[longestOne]
}

/** A folder without its slash is under what its content is under. */
function isUnder(uri: string, beginning: string): boolean {
  return uri.startsWith(beginning) || `${uri}/` === beginning
}

const denied = deniedByPolicy('uri_ambiguous', 'the URI goes by more than one rule')

/** The rule of a request for a URI. @throws Refusal where some server may take it for what has another rule */
export function ruleOfUri(rules: Readonly<Record<string, Rule>>, uri: string): Rule {
  const all = Object.entries(rules)
  const [[only, one] = ['', undefined]] = all
  if (all.length === 1 && only === '*' && one !== undefined) return one
  const exact = Object.hasOwn(rules, uri) && !uri.endsWith('*') ? rules[uri] : undefined
  if (exact !== undefined) return exact
  const rule = nearest(rules, uri)
  if (rule === undefined) throw deniedByPolicy('rule_missing', 'no rule is for the URI')
  const forms = formsOf(uri)
  if (forms === undefined) throw deniedByPolicy('uri_too_long', 'the URI has too many forms')
  for (const form of forms) {
    if (/\p{Cc}/u.test(form)) throw denied
    if (isShortName(form, Object.keys(rules))) throw denied
    if (nearest(rules, form) !== rule) throw denied
  }
  return rule
}

/** Whether a URI has a short name of Windows in a folder for whose names there is a rule. */
function isShortName(uri: string, names: readonly string[]): boolean {
  for (const { index } of uri.matchAll(/(?<=\/)[^/~]{1,6}~\d[^/.~]{0,5}(?:\.[^/.]{0,3})?(?=\/|$)/g)) {
    const folder = uri.slice(0, index)
    if (names.some(name => name.length > folder.length + 1 && name.startsWith(folder))) return true
  }
  return false
}
