import type { AAuthError } from '@countersign/protocol'
import { refusal } from '@countersign/protocol/internal'

const showable = /^[a-z0-9+.-]{1,40}$/
const later = /^aa-[a-z0-9.-]+\+jwt$/

/**
 * The error for a JWT in `Signature-Key` that is neither an agent token nor an auth token. It names a `typ` that has the form of a
 * media type, which helps to find the mistake; it never repeats any other text of the caller.
 * @see protocol §3.2
 */
export function unsupportedTokenType(typ: unknown): AAuthError {
  return refusal('token_type_unsupported', { about: faultOf(typ) })
}

function faultOf(typ: unknown): string {
  if (typ === undefined) return 'it has no typ'
  if (typeof typ !== 'string' || !showable.test(typ)) return 'its typ is another'
  return later.test(typ)
    ? `${typ} is of a later edition of AAuth, and this is the exploratory one`
    : `its typ is ${typ}`
}
