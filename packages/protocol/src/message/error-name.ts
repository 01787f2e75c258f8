/** The form of an error code. @see protocol §8 */
export const errorName: RegExp = /^[a-z_]{1,64}$/
/** The form of a reason, also of one that a later edition adds. @see protocol §8 */
export const reasonName: RegExp = /^[a-z][a-z0-9_]{0,63}$/

/** A name in the body of another participant. Any other text there is ignored: it could be an instruction to the reader of a log. */
export function nameIn(value: unknown, form: RegExp): string | undefined {
  return typeof value === 'string' && form.test(value) ? value : undefined
}
