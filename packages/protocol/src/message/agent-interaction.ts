import { refusal } from '../error.js'
import { parseStructuredItem, textOf } from './structured-item.js'

/** The characters of an interaction code, which need no escapes in headers and URLs. */
const codeForm = /^[\w.~-]{1,512}$/

/**
 * Reads the value of an `Agent-Interaction` header: the one-time code of an interaction, a Structured Field String.
 * @throws AAuthError `invalid_grant` for any other value
 * @see protocol §7
 */
export function parseAgentInteraction(value: string): string {
  const item = value.length > 1024 ? undefined : parseStructuredItem(value)
  const code = textOf(item?.value)
  if (item === undefined || code === undefined || item.repeats || !codeForm.test(code))
    throw refusal('interaction_code_invalid')
  return code
}

/**
 * Writes the value of an `Agent-Interaction` header.
 * @throws TypeError unless `code` is 1 to 512 letters, digits and `-._~`
 * @see protocol §7
 */
export function serializeAgentInteraction(code: string): string {
  if (!codeForm.test(code)) throw new TypeError('code must be 1 to 512 letters, digits and -._~')
  return `"${code}"`
}
