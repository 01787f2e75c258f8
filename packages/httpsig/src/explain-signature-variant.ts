import type { SignatureCause } from './explain-signature-cause.js'
import type { Reading } from './explain-signature-reading.js'
import type { VerifyKey } from './key.js'
import type { ReceivedMessage } from './received-message.js'
import type { SignatureInput } from './signature-input.js'
import type { ParsedSignatureKey } from './signature-key.js'

/** One way in which the signer may have read the message otherwise. */
export interface Variant {
  readonly cause: SignatureCause
  readonly at: string
  readonly change: string
  /** What the signer then signed, where it can be shown. */
  readonly signed?: string
  readonly reading: Partial<Reading>
}

/** What variants are made from. */
export interface VariantSource {
  readonly message: ReceivedMessage
  readonly reading: Reading
  readonly input: SignatureInput
  readonly signatureKey?: ParsedSignatureKey
  readonly authorities: readonly string[]
  readonly otherKeys: readonly VerifyKey[]
}
