import { foldedName, foldedPath } from '@countersign/protocol'

const exactly = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
const leniently = new TextDecoder('utf-8', { ignoreBOM: true })

/**
 * Spellings for all that some upstream or other takes for the same path: escapes read (twice, as some do), path parameters left out,
 * and the rest as {@link foldedPath} has it; and once more without what follows an escaped `?` or `#`.
 * @returns nothing for what upstreams read differently: a dot segment in disguise (`..%2f`, `..;`, `..%20`), controls, broken UTF-8,
 * an escape that only a compatibility form makes one
 */
export function looseSpellings(path: string): readonly string[] | undefined {
  const once = decoded(path, exactly)
  if (once === undefined) return undefined
  const twice = decoded(once, leniently) ?? once
  const plain = foldedName(twice).replaceAll('\\', '/')
  // An upstream that ends a path at NUL would leave the route whose rule was asked.
  if (/\p{Cc}/u.test(plain) || (plain.includes('%') && !twice.includes('%'))) return undefined
  const end = plain.search(/[?#]/)
  const spellings = (end < 0 ? [plain] : [plain, withSlash(plain.slice(0, end))]).map(tidied)
  return spellings.every(spelling => spelling !== undefined) ? spellings : undefined
}

/** Without path parameters and doubled slashes; nothing where an upstream would walk up at `..`. */
function tidied(path: string): string | undefined {
  const folded = foldedPath(path.replace(/;[^/]*/g, '').replace(/\/+/g, '/'))
  return folded === undefined || /\/\.{1,2}(?=\/)/.test(folded) ? undefined : folded
}

/** As all paths that are looked up end. */
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
