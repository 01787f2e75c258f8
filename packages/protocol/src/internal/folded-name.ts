const ascii = /^[\0-\x7f]*$/
const printable = /^[!-~]*$/
const ignorable = /\p{Default_Ignorable_Code_Point}/gu
const unprinted = /[\p{Cc}\p{Cf}]/gu

/** A text without compatibility forms and invisible characters. */
export function compatibleText(text: string): string {
  return ascii.test(text) ? text : text.normalize('NFKC').replace(ignorable, '')
}

/** A text without case, compatibility forms and invisible characters. Control characters and spaces stay: a path is refused for them. */
export function foldedText(text: string): string {
  if (ascii.test(text)) return text.toLowerCase()
  // Twice to lower case: `ẞ` becomes `ss` by way of `ß`.
  const folded = compatibleText(text).toLowerCase().toUpperCase().toLowerCase()
  // Turkish letters and a final sigma do not survive a change of case.
  return folded
    .replace(/i\u0307+/g, 'i')
    .replaceAll('ς', 'σ')
    .normalize('NFKC')
}

/**
 * One text for all names that some receiver may take for the same one: without case, compatibility forms (fullwidth letters, `ſ`),
 * invisible and control characters, and white space at either end. It is for the names of tools, operations, methods, JSON members and
 * query parameters. Use it only to compare names, never to look one up: a name that is not spelled like the expected one is refused.
 */
export function foldedName(name: string): string {
  if (printable.test(name)) return name.toLowerCase()
  return foldedText(name.replace(unprinted, '')).replace(unprinted, '').trim()
}

/**
 * The lookup of the listed name that another name could be taken for; undefined for a listed name itself, and for one that is equal to
 * none when folded.
 * @param folded {@link foldedName} by default
 */
export function misspeltFrom(
  listed: Iterable<string>,
  folded: (name: string) => string = foldedName,
): (name: string) => string | undefined {
  const exact = new Set(listed)
  const byFold = new Map([...exact].map(name => [folded(name), name]))
  return name => (exact.has(name) ? undefined : byFold.get(folded(name)))
}
