import { shownText } from '@countersign/protocol/internal'

// Texts that strangers write about themselves. Templates escape markup; here goes what could pass for a part of the page.

/**
 * A stranger's text as one line that stays in its place: no line ends, nothing that turns text, cannot be seen or is drawn over other
 * text, at most `longest` characters, with `…` where more was said. Empty when nothing is left.
 */
export function claimedText(text: string, longest: number): string {
  // Cut first: a stranger chooses the length, and all that follows costs in proportion.
  const whole = shownText(text.slice(0, longest * 8).normalize('NFC'), () => ' ')
  // A mark at the beginning would be drawn over what stands before the text.
  const plain = whole
    .replaceAll(/\s+/gu, ' ')
    .replace(/^[\p{M}\s]+/u, '')
    .trimEnd()
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
