import type { ReceivedMessage } from '@countersign/httpsig'
import { isObject, refusal } from '@countersign/protocol/internal'
import { parseJsonBody } from './json-body.js'

/**
 * Reads the body of an enrolment: its type and members.
 * @throws AAuthError `invalid_request`: 415 for another media type or a compressed body, else 400
 * @see protocol §5 "Delegates get agent tokens"
 */
export function parseEnrollment(message: ReceivedMessage): {
  readonly type: string
  readonly members: Readonly<Record<string, unknown>>
} {
  if (message.body === undefined || message.body.length === 0) {
    throw refusal('enrolment_malformed', { about: 'a request signed with hwk must have a JSON body with "enrollment"' })
  }
  const members = parseJsonBody(message)['enrollment']
  if (!isObject(members) || !Object.hasOwn(members, 'type') || typeof members['type'] !== 'string')
    throw refusal('enrolment_malformed', { about: 'it must be {"enrollment":{"type":"…", …}}' })
  return { type: members['type'], members: { ...members } }
}
