import { headerValues, type ReceivedMessage } from '@countersign/httpsig'
import { AAuthError } from '@countersign/protocol'
import { checkContentCoding, isObject, parseJson } from '@countersign/protocol/internal'

/**
 * Reads a body that must be a JSON object.
 * @throws AAuthError `invalid_request`: 415 for another media type or a compressed body, else 400
 * @see protocol §5 "Delegates get agent tokens"
 */
export function parseJsonBody(message: ReceivedMessage): Readonly<Record<string, unknown>> {
  checkMediaType(message)
  checkContentCoding(message)
  const body = parseBody(message.body ?? new Uint8Array())
  if (!isObject(body))
    throw new AAuthError('invalid_request', 'the body must be a JSON object', { reason: 'json_malformed' })
  return { ...body }
}

function checkMediaType(message: ReceivedMessage): void {
  const [contentType, second] = headerValues(message, 'content-type')
  if (second === undefined && contentType !== undefined && /^application\/json\s*(;|$)/i.test(contentType.trim()))
    return
  throw new AAuthError('invalid_request', 'the body must be application/json', {
    reason: 'content_type_unsupported',
    status: 415,
  })
}

function parseBody(body: Uint8Array): unknown {
  try {
    return parseJson(body)
  } catch (cause) {
    throw new AAuthError('invalid_request', 'the body is not well-formed JSON', { reason: 'json_malformed', cause })
  }
}
