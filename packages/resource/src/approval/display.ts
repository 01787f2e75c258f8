import { NotShowable } from './not-showable.js'

/**
 * Says what a request would do, for the user who is asked to approve it. Words of the resource and values of the request stay apart: the
 * user sees which is which, so that no value passes for the resource's own words.
 * @param words what the resource says; the text between the values
 * @param values what the request says
 * @returns by turns words and a value, beginning and ending with words
 * @throws TypeError for a value that is no text, number or truth value, and for a number beyond ±(2⁵³ − 1): an object, a missing member or
 * a number without its last digits would be shown as something else
 * @see protocol §9.4
 * @example
 * ```ts
 * import { display } from '@countersign/resource'
 *
 * const shown = display`Send ${'Lunch'} to ${'bob@example.org'}`
 * console.assert(shown.join('|') === 'Send |Lunch| to |bob@example.org|')
 * ```
 */
export function display(words: TemplateStringsArray, ...values: readonly DisplayValue[]): readonly string[] {
  return words.flatMap((text, at) => (at < values.length ? [text, textOf(values[at])] : [text]))
}

/** What {@link display} shows of a request. */
export type DisplayValue = string | number | bigint | boolean

function textOf(value: unknown): string {
  if (!['string', 'number', 'bigint', 'boolean'].includes(typeof value))
    throw new NotShowable('a value that is to be shown is missing, or is no text, number or truth value')
  // Of a longer number JSON.parse has lost digits: the user would read another than the one that is carried out.
  if (typeof value === 'number' && !(Math.abs(value) <= Number.MAX_SAFE_INTEGER))
    throw new NotShowable('a number that is to be shown is beyond 2^53 - 1: a longer one must be a text')
  return String(value)
}
