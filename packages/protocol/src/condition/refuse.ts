import { AAuthError } from '../error.js'

/** The refusal of a list of conditions that is wrong as a whole or in one place. @see protocol §9 */
export function malformed(description: string): AAuthError {
  return new AAuthError('policy_denied', description, { reason: 'condition_malformed' })
}
