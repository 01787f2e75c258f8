import { refusal } from '../error.js'
import { isWords } from './name.js'

/**
 * Reads a `purposes` value: at most 64 names set apart by single spaces, each once. The order is kept.
 * @throws AAuthError `invalid_request`
 * @see protocol §9.1
 */
export function parsePurposes(text: string): string[] {
  if (isWords(text)) return text.split(' ')
  throw refusal('purposes_malformed')
}
