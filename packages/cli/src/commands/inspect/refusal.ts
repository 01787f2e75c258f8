import type { AAuthError } from '@countersign/protocol'
import { reasons } from '@countersign/protocol/reasons'

/** A refusal in words: `wrong: The token has expired. (invalid_auth_token, token_expired)`. */
export function refusalWords(verdict: string, { code, reason, description }: AAuthError): string {
  return `${verdict}: ${description} (${code}, ${reason})`
}

/** The line that says what to change; none for a reason that is not in the table. */
export function fixLines({ reason }: AAuthError): string[] {
  return Object.hasOwn(reasons, reason) ? [`  fix: ${reasons[reason].fix}`] : []
}
