import { malformed } from './structured-field.js'

/** What decides which components a request must cover. */
export interface CoverageNeeds {
  readonly hasQuery: boolean
  readonly hasBody: boolean
  /** Asked for beyond the protocol's own; demanded where the request has them. */
  readonly additional: readonly string[]
  has(field: string): boolean
}

const always: readonly string[] = ['@method', '@authority', '@path', 'signature-key']
const derivedAlways: readonly string[] = ['@scheme', '@target-uri', '@request-target']
const conditional: readonly string[] = ['@query', 'content-type', 'content-digest']

/**
 * Every component name a request must cover.
 * @see docs/protocol.md §3.4
 */
export function requiredComponents(needs: CoverageNeeds): string[] {
  const names = ['@method', '@authority', '@path']
  if (needs.hasQuery) names.push('@query')
  if (needs.hasBody) names.push('content-type', 'content-digest')
  names.push('signature-key')
  for (const name of needs.additional) {
    if (always.includes(name) || conditional.includes(name) || names.includes(name)) continue
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
  if (needs.hasBody) return
  for (const name of ['content-digest', 'content-type'])
    if (covered.includes(name)) throw malformed('content-digest or content-type is covered but there is no body')
}
