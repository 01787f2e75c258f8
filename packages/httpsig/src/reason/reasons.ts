// The table behind the names: errors and docs are made from it, and pages do without.
export { signatureDiagnoses } from './diagnoses.js'
export { messageReasons } from './message-reasons.js'
export type { HttpSigReason, MessageReason, ReasonEntry, SignatureDiagnosis, SignatureReason } from './reason.js'
export { signatureReasons } from './signature-reasons.js'
