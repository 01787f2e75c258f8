import type { SignatureInput } from '../component/signature-input.js'
import type { VerifyKey } from '../key/verify-key.js'
import type { ReceivedMessage } from '../message/received-message.js'
import type { SignatureDiagnosis } from '../reason/reason.js'
import type { ParsedSignatureKey } from '../signature/signature-key.js'
import type { Reading } from './reading.js'

/** One mistake that the signer may have made. */
export interface Variant {
  readonly reason: SignatureDiagnosis
  readonly at: string
  readonly change: string
  /** The value that was signed then, if it can be shown. */
  readonly signed?: string
  readonly reading: Partial<Reading>
}

/** The data that variants are made from. */
export interface VariantSource {
  readonly message: ReceivedMessage
  readonly reading: Reading
  readonly input: SignatureInput
  readonly signatureKey?: ParsedSignatureKey | undefined
  readonly authorities: readonly string[]
  readonly otherKeys: readonly VerifyKey[]
}
