import { messageReasons } from './message-reasons.js'
import type { ErrorWords, HttpSigReason } from './reason.js'
import { signatureReasons } from './signature-reasons.js'

const entries: Readonly<Record<HttpSigReason, ErrorWords>> = { ...messageReasons, ...signatureReasons }

/** Codes, status and sentence of the errors with a reason. */
export function errorWords(reason: HttpSigReason): ErrorWords {
  return entries[reason]
}
