import { checkTarget, headerValues, type ReceivedMessage, type ReplaySet } from '@countersign/httpsig'
import { AAuthError, checkContentCoding, parseForm } from '@countersign/protocol'
import { checkReplay, type IdentifiedCaller, type Verified, type Verifier } from '@countersign/verify'

/** Who sent a form to a token endpoint. */
export interface VerifiedCaller {
  readonly caller: IdentifiedCaller
  readonly verified: Verified
}

const bodyLimit = 65_536

/**
 * Establishes who calls a token endpoint: an agent or a delegate, identified, with this very request, once.
 * @throws AAuthError or HttpSigError with the code of protocol §8
 * @see protocol §6.2, §3.7
 */
export async function identify(
  message: ReceivedMessage,
  { verifier, replay }: { readonly verifier: Verifier; readonly replay: ReplaySet },
): Promise<VerifiedCaller> {
  checkTarget(message)
  // URLs are logged by everything on the way: a secret in one must not work.
  if (message.target.includes('?'))
    throw new AAuthError('invalid_request', 'parameters belong in the body, not the URL')
  if (message.body !== undefined && message.body.length > bodyLimit) {
    throw new AAuthError('invalid_request', 'the body is larger than 64 KiB', { status: 413 })
  }
  const verified = await verifier.verify(message)
  const { caller } = verified
  // A pseudonym is not an agent, and must never become one under a made-up name.
  if (caller.level !== 'identified') {
    throw new AAuthError('insufficient_level', 'sign the request by jwks_uri or with an agent token')
  }
  await checkReplay({ replay, verified, partition: 'token' })
  return { caller, verified }
}

/**
 * Reads the form of a token endpoint request.
 * @throws AAuthError `invalid_request`: 415 for another or a doubled media type or a compressed body, else 400
 */
export function formOf(message: ReceivedMessage): ReadonlyMap<string, string> {
  const [contentType, second] = headerValues(message, 'content-type')
  if (second !== undefined) throw new AAuthError('invalid_request', 'Content-Type stands twice', { status: 415 })
  checkContentCoding(message)
  return parseForm(message.body, contentType)
}
