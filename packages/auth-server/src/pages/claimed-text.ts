// What strangers write about themselves. Markup is escaped by the page's own templates; here goes what looks like something else.

/** Controls, line ends, and all that is not there to be seen: direction marks, zero-width characters, tags, private use. */
const invisible = /(?:[\p{Cc}\p{Cf}\p{Co}\p{Cs}\p{Cn}\p{Zl}\p{Zp}\u115f\u1160\u3164\uffa0\u2800]|\u034f)+/gu
/** Marks piled on one character grow out of their line over what stands above. */
const piled = /(\p{M}{2})\p{M}+/gu

/**
 * A stranger's text as one line that stays in its place: no line ends, no direction marks (they reorder what stands around
 * them), nothing invisible, at most `longest` characters, with `…` where more was said. Empty when nothing is left.
 */
export function claimedText(text: string, longest: number): string {
  // Cut before all else: what follows must not cost by the length a stranger chose.
  const plain = text
    .slice(0, longest * 8)
    .normalize('NFC')
    .replaceAll(invisible, ' ')
    .replaceAll(piled, '$1')
    .replaceAll(/\s+/gu, ' ')
    .trim()
  const characters = [...new Intl.Segmenter('en', { granularity: 'grapheme' }).segment(plain)]
  if (characters.length <= longest && text.length <= longest * 8) return plain
  return `${characters
    .slice(0, longest - 1)
    .map(({ segment }) => segment)
    .join('')
    .trimEnd()}…`
}
