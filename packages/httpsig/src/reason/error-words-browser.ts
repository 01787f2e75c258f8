import { listedUnder } from './listed-under.js'
import type { ErrorWords, HttpSigReason } from './reason.js'

const byCode = {
  unsupported_scheme: 'signature_key_old scheme_',
  unsupported_algorithm: 'key_unacceptable algorithm_un',
  invalid_signature:
    'signature algorithm component created_ digest_ query_ expires_ key_unknown body_missing parameter_repeated authority_mismatched',
}
const byStatus = {
  413: 'body_too_large',
  415: 'body_compressed',
  421: 'authority_not_served',
  431: 'header_lines_too_many header_too_long',
}

/** As in `error-words.ts`, but in a page: without sentences, which it would have to load, and with the usual code only. */
export function errorWords(reason: HttpSigReason): ErrorWords {
  return {
    codes: [listedUnder(byCode, reason) ?? 'invalid_request'],
    status: Number(listedUnder(byStatus, reason)) || undefined,
    meaning: reason,
  }
}
