import { authorityOf } from '@countersign/protocol'
import { shownText } from '@countersign/protocol/internal'
import type { Messages } from '../messages/en.js'

const wildcard = 'https://*.'
/** They would end a quotation of ours. */
const marksOfQuotation = /[“”„]/gu

/** A text of the messages with values put in. Values are not looked at again: `{zone}` within one stays what it is. */
export function fill(text: string, values: Readonly<Record<string, string | number>>): string {
  return text.replace(/\{([a-z]+)\}/gi, (_, name: string) => String(values[name]))
}

/** Text by others, set apart by quotation marks that it cannot end. */
export function quoted(text: string, { quoted: marks }: Messages): string {
  return fill(marks, { text: shownText(text, escaped).replace(marksOfQuotation, escaped) })
}

function escaped(characters: string): string {
  return Array.from(characters, one => `\\u{${(one.codePointAt(0) ?? 0).toString(16)}}`).join('')
}

/** A description by a resource, as one line of which a reader sees all. */
export function oneLine(text: string): string {
  return shownText(text, () => ' ')
    .replace(/\s+/gu, ' ')
    .trim()
}

/** The text for one, or for several. */
export function counted(texts: { readonly one: string; readonly many: string }, count: number): string {
  return count === 1 ? texts.one : texts.many
}

/** A, B and C. */
export function all(entries: readonly string[], { locale }: Messages): string {
  return new Intl.ListFormat(locale, { type: 'conjunction' }).format(entries)
}

/** A, B or C. */
export function either(entries: readonly string[], { locale }: Messages): string {
  return new Intl.ListFormat(locale, { type: 'disjunction' }).format(entries)
}

/** An identifier as users know it: its host. */
export function hostOf(id: string, { below }: Messages): string {
  return id.startsWith(wildcard) ? fill(below, { host: id.slice(wildcard.length) }) : authorityOf(id)
}

/** A number as it is written in the language. */
export function numeral(value: number, { locale }: Messages): string {
  // Beyond this, digits would be made up.
  const isPlain = Math.abs(value) <= Number.MAX_SAFE_INTEGER && (value === 0 || Math.abs(value) >= 1e-6)
  return isPlain ? new Intl.NumberFormat(locale, { maximumFractionDigits: 20 }).format(value) : String(value)
}
