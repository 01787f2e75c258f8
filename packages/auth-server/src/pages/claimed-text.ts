// Texts that strangers write about themselves. Templates escape markup; here goes what could pass for a part of the page.

/** Controls, line ends, and invisible characters: direction marks, zero-width characters, tags, private use. */
const invisible = /(?:[\p{Cc}\p{Cf}\p{Co}\p{Cs}\p{Cn}\p{Zl}\p{Zp}\u115f\u1160\u3164\uffa0\u2800]|\u034f)+/gu
/** Many marks on one character would cover the lines above it. */
const piled = /(\p{M}{2})\p{M}+/gu

/**
 * A stranger's text as one line that stays in its place: no line ends, no direction marks (they reorder what stands around
 * them), nothing invisible, at most `longest` characters, with `…` where more was said. Empty when nothing is left.
 */
export function claimedText(text: string, longest: number): string {
  // Cut first: a stranger chooses the length, and all that follows costs in proportion.
  const plain = text
    .slice(0, longest * 8)
    .normalize('NFC')
    .replaceAll(invisible, ' ')
    .replaceAll(piled, '$1')
    .replaceAll(/\s+/gu, ' ')
    .trim()
  // No character takes less than one code unit: most texts are short, and are not taken apart.
  if (plain.length <= longest && text.length <= longest * 8) return plain
  const characters = [...new Intl.Segmenter('en', { granularity: 'grapheme' }).segment(plain)]
  if (characters.length <= longest && text.length <= longest * 8) return plain
  return `${characters
    .slice(0, longest - 1)
    .map(({ segment }) => segment)
    .join('')
    .trimEnd()}…`
}
