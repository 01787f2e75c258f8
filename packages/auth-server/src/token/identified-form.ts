import type { SiteOf } from '@countersign/discovery'
import { headerValues, type ReceivedMessage, type ReplaySet } from '@countersign/httpsig'
import { checkTarget } from '@countersign/httpsig/internal'
import { checkBodySize, checkContentCoding, parseForm, refusal } from '@countersign/protocol/internal'
import { checkReplay, type IdentifiedCaller, type Verified, type Verifier } from '@countersign/verify'

/** The verified caller of a token endpoint. */
export interface VerifiedCaller {
  readonly caller: IdentifiedCaller
  /** Its `message` has its body, which is the one that was signed. */
  readonly verified: Verified
  /**
   * Refuses a replay of this request. Called after all checks of form, tokens and policy, and before anything is done: refused
   * requests must not fill the replay set (DOS-19).
   * @throws AAuthError `replay_detected`, `temporarily_unavailable`
   */
  once(): Promise<void>
}

/** What identifying a caller needs. */
export interface IdentifyContext {
  readonly verifier: Verifier
  readonly replay: ReplaySet
  readonly siteOf?: SiteOf | undefined
  readonly development: boolean
}

/**
 * Verifies the caller of a token endpoint: an agent or a delegate, identified by the signature of this request.
 * @throws AAuthError or HttpSigError with the code of protocol §8
 * @see protocol §6.2, §3.7
 */
export async function identify(
  message: ReceivedMessage,
  { verifier, replay, siteOf, development }: IdentifyContext,
): Promise<VerifiedCaller> {
  checkTarget(message)
  // Proxies log URLs: a secret in one must not work.
  if (message.target.includes('?')) throw refusal('parameters_in_url')
  checkBodySize(message)
  const head = await verifier.verifyHead(message)
  const { caller } = head
  // A pseudonymous key must not get an agent's rights.
  if (caller.level !== 'identified') {
    throw refusal('credential_not_accepted', { about: 'sign by jwks_uri or with an agent token' })
  }
  const verified = await verifier.verifyBody(head)
  checkBodySize(verified.message)
  const once = (): Promise<void> => checkReplay({ replay, verified, partition: 'token', siteOf, development })
  return { caller, verified, once }
}

/**
 * Reads the form of a token endpoint request.
 * @throws AAuthError `invalid_request`: 415 for another or a doubled media type or a compressed body, else 400
 */
export function formOf(message: ReceivedMessage): ReadonlyMap<string, string> {
  const [contentType, second] = headerValues(message, 'content-type')
  if (second !== undefined) throw refusal('content_type_unsupported', { about: 'application/x-www-form-urlencoded' })
  checkContentCoding(message)
  return parseForm(message.body, contentType)
}
