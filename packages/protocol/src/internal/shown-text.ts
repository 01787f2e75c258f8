// What of a stranger's text a reader sees, and sees in its place. One rule for texts that are refused and for those that are mended.

/**
 * Controls, format characters (they turn or hide text), surrogates, private and unassigned characters, line ends, ignorable ones, and
 * letters that are drawn without ink. U+FE0F right after a symbol only asks for its coloured form.
 */
const unseen =
  /(?!(?<=(?![\u2800\u{1d159}])\p{So})\ufe0f)[\p{C}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\u2800\u{13441}\u{13442}\u{16fe4}\u{1d159}]/gu

/**
 * Marks that are drawn over what stands before the text, and a seventh in a row, which would reach the lines around it. Languages use up
 * to five (Burmese, Hebrew with accents).
 */
const misplaced = /^\p{M}+|(?<=\p{M}{6})\p{M}/gu

/**
 * Tells whether a reader sees all of a text, and sees it in its place.
 * @see protocol §9.4
 */
export function isShownText(text: string): boolean {
  return text.search(unseen) < 0 && text.search(misplaced) < 0
}

/** A text in which something else stands for what a reader would not see, or not in its place. */
export function shownText(text: string, instead: (hidden: string) => string): string {
  return text.replace(unseen, instead).replace(misplaced, instead)
}
