import { headerValues, type ReceivedMessage } from '@countersign/httpsig'
import { checkContentCoding, isObject, parseJson, refusal } from '@countersign/protocol/internal'

/**
 * Reads a body that must be a JSON object.
 * @throws AAuthError `invalid_request`: 415 for another media type or a compressed body, else 400
 * @see protocol §5 "Delegates get agent tokens"
 */
export function parseJsonBody(message: ReceivedMessage): Readonly<Record<string, unknown>> {
  checkMediaType(message)
  checkContentCoding(message)
  const body = parseBody(message.body ?? new Uint8Array())
  if (!isObject(body)) throw refusal('json_malformed', { about: 'it must be an object' })
  return { ...body }
}

function checkMediaType(message: ReceivedMessage): void {
  const [contentType, second] = headerValues(message, 'content-type')
  if (second === undefined && contentType !== undefined && /^application\/json\s*(;|$)/i.test(contentType.trim()))
    return
  throw refusal('content_type_unsupported', { about: 'application/json' })
}

function parseBody(body: Uint8Array): unknown {
  try {
    return parseJson(body)
  } catch (cause) {
    throw refusal('json_malformed', { cause })
  }
}
