import { malformed } from './structured-field.js'

/** What decides which components a request must cover; see `requiredComponents`. */
export interface CoverageNeeds {
  /** Whether the raw target has a `?`. */
  readonly hasQuery: boolean
  /** Whether there is a body of at least one byte. */
  readonly hasBody: boolean
  /** Bare names asked for beyond the protocol's own; demanded where the request has them. */
  readonly additional: readonly string[]
  /** Whether the request has a field of this lower-case name. */
  has(field: string): boolean
}

const derivedAlways: readonly string[] = ['@scheme', '@target-uri', '@request-target']
const conditional: readonly string[] = ['@query', 'content-type', 'content-digest']

/**
 * The bare names of all components that a signature by this profile must cover, in the order in which it signs them.
 * @see RFC 9421 §1.4, §2, docs/protocol.md §3.4
 */
export function requiredComponents(needs: CoverageNeeds): string[] {
  const names = ['@method', '@authority', '@path']
  if (needs.hasQuery) names.push('@query')
  if (needs.hasBody) names.push('content-type', 'content-digest')
  names.push('signature-key')
  for (const name of needs.additional) {
    if (conditional.includes(name) || names.includes(name)) continue
    if (name.startsWith('@') ? derivedAlways.includes(name) : needs.has(name)) names.push(name)
  }
  return names
}

/**
 * Refuses a covered set that leaves out what this request needs, or holds what it has not.
 * `covered` are the names covered without parameters: `"signature-key";sf` signs something else than the plain field.
 * @throws HttpSigError `invalid_signature`
 */
export function checkCoverage(covered: readonly string[], required: readonly string[], needs: CoverageNeeds): void {
  for (const name of required)
    if (!covered.includes(name)) throw malformed('a required component is not covered', { component: name })
  if (!needs.hasQuery && covered.includes('@query')) throw malformed('@query is covered but the target has no query')
  if (!needs.hasBody && covered.includes('content-digest'))
    throw malformed('content-digest is covered but there is no body')
}
