import type { ErrorWords } from '@countersign/httpsig/internal'
import type { Reason } from './reason.js'
import { reasons } from './reasons.js'

/** Codes, status and sentence of the errors with a reason. */
export function errorWords(reason: Reason): ErrorWords {
  return reasons[reason]
}
