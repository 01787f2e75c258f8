import type { SignatureInput } from '../component/signature-input.js'
import type { VerifyKey } from '../key/verify-key.js'
import type { ReceivedMessage } from '../message/received-message.js'
import type { ParsedSignatureKey } from '../signature/signature-key.js'
import type { SignatureCause } from './cause.js'
import type { Reading } from './reading.js'

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
