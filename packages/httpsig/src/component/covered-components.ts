import { type HttpSigError, refusal } from '../error.js'

/** The facts of a request that decide which components its signature must cover. */
export interface CoverageNeeds {
  /** Whether the raw target has a `?`. */
  readonly hasQuery: boolean
  /** Whether there is a body of at least one byte. */
  readonly hasBody: boolean
  /** Bare names required beyond the protocol's own, where the request has them. */
  readonly additional: readonly string[]
  /** Whether the request has a field of this lower-case name. */
  has(field: string): boolean
}

const derivedAlways: readonly string[] = ['@scheme', '@target-uri', '@request-target']
const conditional: readonly string[] = ['@query', 'content-type', 'content-digest']

/**
 * The bare names of all components that a signature must cover, in the order in which a signer of this package covers them.
 * @see RFC 9421 §1.4, §2, protocol §3.4
 */
// unchecked options needs: all members are required, and one that is missing refuses everything
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
 * Refuses a signature that leaves out a required component, or covers a query or body that the request does not have.
 * @param covered the names covered without parameters: `"signature-key";sf` does not cover the plain field
 * @throws HttpSigError `invalid_signature`
 */
export function checkCoverage(covered: readonly string[], required: readonly string[], needs: CoverageNeeds): void {
  for (const name of required)
    if (!covered.includes(name)) throw refusal('component_not_covered', { about: name, cause: { component: name } })
  if (!needs.hasQuery && covered.includes('@query')) throw refusal('query_missing')
  if (!needs.hasBody && covered.includes('content-digest')) throw coveredWithoutBody()
}

/** The refusal of a signature that covers the digest of a body that there is not. */
export function coveredWithoutBody(): HttpSigError {
  return refusal('body_missing')
}
