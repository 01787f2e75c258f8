// The table behind the names: for tools and docs. A verifier refuses without it.
export { signatureDiagnoses } from './diagnoses.js'
export { messageReasons } from './message-reasons.js'
export type { HttpSigReason, MessageReason, ReasonEntry, SignatureDiagnosis, SignatureReason } from './reason.js'
export { signatureReasons } from './signature-reasons.js'
