import type { ReceivedMessage } from '@countersign/httpsig'
import { AAuthError } from '@countersign/protocol'
import { parseJsonBody } from './json-body.js'

/** A code is 32 characters; whatever is far longer was never one. */
const longestCode = 256

/**
 * Reads the code out of an enrolment's body.
 * @throws AAuthError `invalid_request`: 415 for another media type or a compressed body, else 400
 * @see protocol §5 "Delegates get agent tokens"
 */
export function parseEnrollment(message: ReceivedMessage): string {
  if (message.body === undefined || message.body.length === 0) {
    throw new AAuthError('invalid_request', 'a request signed with hwk must carry a JSON body with "enrollment"')
  }
  const enrollment = member(parseJsonBody(message), 'enrollment')
  const type = member(enrollment, 'type')
  if (type !== 'code') {
    throw new AAuthError('invalid_request', 'enrollment.type must be "code", the only type this agent server takes')
  }
  const code = member(enrollment, 'code')
  if (typeof code !== 'string' || code.length === 0 || code.length > longestCode) {
    throw new AAuthError('invalid_request', 'enrollment.code must be the enrolment code, a string')
  }
  return code
}

function member(value: unknown, name: string): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value) || !Object.hasOwn(value, name)) {
    throw new AAuthError('invalid_request', 'the body must be {"enrollment":{"type":"code","code":"…"}}')
  }
  return (value as Record<string, unknown>)[name]
}
