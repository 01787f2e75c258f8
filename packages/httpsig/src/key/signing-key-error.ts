/**
 * A `SigningKey` gave no signature: it failed, or took longer than 5 seconds. A KMS or a signer in another process may be
 * unavailable for some time, so servers answer 503 and not 500. The error of the key is in `cause`.
 */
export class SigningKeyError extends Error {
  override readonly name = 'SigningKeyError'
  /** Trying again later may help. */
  readonly transient = true
}
