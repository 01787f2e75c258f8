const exactly = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
const leniently = new TextDecoder('utf-8', { ignoreBOM: true })

/**
 * One spelling for all that some upstream or other takes for the same path: escapes read (twice, as some do), letters in
 * one case, path parameters, doubled slashes, and dots and spaces that end a segment left out.
 * @returns nothing for what upstreams read differently: a dot segment in disguise (`..%2f`, `..;`), controls, broken UTF-8
 */
export function looseSpelling(path: string): string | undefined {
  const once = decoded(path, exactly)
  if (once === undefined) return undefined
  const plain = (decoded(once, leniently) ?? once)
    .normalize('NFKC')
    .toLowerCase()
    .replaceAll('\\', '/')
    .replace(/;[^/]*/g, '')
  // An upstream that ends a path at NUL, or walks up at `..`, would leave the route whose rule was asked.
  if (/\p{Cc}/u.test(plain) || /\/\.{1,2}(?=\/)/.test(plain)) return undefined
  return plain.replace(/[. ]+(?=\/)/g, '').replace(/\/+/g, '/')
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
