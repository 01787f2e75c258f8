import { AAuthError } from '@countersign/protocol'

const showable = /^[a-z0-9+.-]{1,40}$/
const later = /^aa-[a-z0-9.-]+\+jwt$/

/**
 * The error for a JWT in `Signature-Key` that is neither an agent token nor an auth token. A `typ` of the form that media types
 * have is named, since it says which token it is; any other text is the caller's and is not.
 * @see protocol §3.2
 */
export function noIdentity(typ: unknown): AAuthError {
  return new AAuthError('unsupported_scheme', `the JWT in Signature-Key must be agent+jwt or auth+jwt${because(typ)}`)
}

function because(typ: unknown): string {
  if (typ === undefined) return ': it has no typ'
  if (typeof typ !== 'string' || !showable.test(typ)) return ': its typ is another'
  return later.test(typ)
    ? `: ${typ} is of a later edition of AAuth, and this is the exploratory one`
    : `: its typ is ${typ}`
}
