import { foldedPath, foldedText } from '@countersign/protocol/internal'

const exactly = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
const leniently = new TextDecoder('utf-8', { ignoreBOM: true })

/**
 * The spellings that some upstream could read a path as: escapes decoded (twice, as some do), path parameters removed, the rest
 * folded by {@link foldedPath}; and the same without the text after an escaped `?` or `#`.
 * @returns undefined for a path that upstreams read differently: a disguised dot segment (`..%2f`, `..;`, `..%20`), controls, broken
 * UTF-8, an escape that appears only after a compatibility normalisation
 */
export function looseSpellings(path: string): readonly string[] | undefined {
  const once = decoded(path, exactly)
  if (once === undefined) return undefined
  const twice = decoded(once, leniently) ?? once
  const plain = foldedText(twice).replaceAll('\\', '/')
  // An upstream that ends a path at NUL would serve another path than the one that was judged.
  if (/\p{Cc}/u.test(plain) || (plain.includes('%') && !twice.includes('%'))) return undefined
  const end = plain.search(/[?#]/)
  const spellings = (end < 0 ? [plain] : [plain, withSlash(plain.slice(0, end))]).map(tidied)
  return spellings.every(spelling => spelling !== undefined) ? spellings : undefined
}

/** The path without path parameters and doubled slashes; undefined when an upstream would resolve a `..`. */
function tidied(path: string): string | undefined {
  const folded = foldedPath(path.replace(/;[^/]*/g, '').replace(/\/+/g, '/'))
  return folded === undefined || /\/\.{1,2}(?=\/)/.test(folded) ? undefined : folded
}

/** Adds the final slash that all paths have when they are looked up. */
function withSlash(path: string): string {
  return path.endsWith('/') ? path : `${path}/`
}

function decoded(text: string, decoder: TextDecoder): string | undefined {
  if (!text.includes('%')) return text
  try {
    return text.replace(/(?:%[0-9A-Fa-f]{2})+/g, escapes => {
      const bytes = escapes.slice(1).split('%')
      return decoder.decode(Uint8Array.from(bytes, byte => Number.parseInt(byte, 16)))
    })
  } catch {
    return undefined
  }
}
