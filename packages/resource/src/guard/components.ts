import { headerValues, type ReceivedMessage } from '@countersign/httpsig'
import { hasBody, requiredComponents } from '@countersign/httpsig/internal'

/**
 * The bare names of all components a signature over this very request must cover.
 * @param additional what the route demands beyond the usual set, where the request has it
 * @see protocol §3.4
 */
export function signatureComponents(message: ReceivedMessage, additional: readonly string[]): string[] {
  return requiredComponents({
    hasQuery: message.target.includes('?'),
    hasBody: hasBody(message),
    additional,
    has: field => headerValues(message, field).length > 0,
  })
}
