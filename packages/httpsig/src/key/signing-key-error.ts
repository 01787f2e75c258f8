/**
 * A `SigningKey` gave no signature: it failed, or took longer than 5 seconds. A signer in another process or a KMS may be away, so
 * servers answer 503 and not 500. What the key threw is in `cause`.
 */
export class SigningKeyError extends Error {
  override readonly name = 'SigningKeyError'
  /** Trying again later may help. */
  readonly transient = true
}
