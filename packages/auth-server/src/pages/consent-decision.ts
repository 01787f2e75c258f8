import { AAuthError } from '@countersign/protocol'
import type { ConsentScope, ConsentView } from './consent-page.js'

/** What a user decided on the consent page. */
export interface ConsentDecision {
  readonly allow: boolean
  /** Names of what they allow, in the order of the page; empty when they refuse or leave nothing. */
  readonly scope: readonly string[]
}

/**
 * Reads the form of the consent page. A name that the page did not show is not in it, whatever the form says.
 * @throws AAuthError `invalid_request` for a form that says neither yes nor no
 */
export function consentDecision(
  form: ReadonlyMap<string, string>,
  shown: Pick<ConsentView, 'scopes' | 'identity'>,
): ConsentDecision {
  const decision = form.get('decision')
  if (decision === 'deny') return { allow: false, scope: [] }
  if (decision !== 'allow') throw new AAuthError('invalid_request', 'The form says neither yes nor no.')
  const isKept = ({ name, optional = true }: ConsentScope): boolean => !optional || form.has(`scope:${name}`)
  return { allow: true, scope: [...shown.scopes, ...shown.identity].filter(isKept).map(({ name }) => name) }
}
