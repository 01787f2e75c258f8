import { AAuthError } from '@countersign/protocol'
import type { ConsentProblem, ConsentScope, ConsentView } from './consent-view.js'
import { shownWords, wordsMark } from './shown-words.js'

/** A form without a mark is of a page that showed no descriptions. */
const noWords = wordsMark({ scopes: [] })

/** What a user chose on the consent page. */
export interface ConsentDecision {
  readonly allow: boolean
  /** The allowed scopes, in the order of the page; empty when the user refuses or chooses none. */
  readonly scope: readonly string[]
  /** The descriptions of the allowed scopes, as the page showed them. */
  readonly words: Readonly<Record<string, string>>
  /** Why the page must be shown once more. */
  readonly problem: ConsentProblem | undefined
}

/**
 * Reads the form of the consent page. Scopes that the page did not show are ignored.
 * @throws AAuthError `invalid_request` for a form that says neither yes nor no
 */
export function consentDecision(
  form: ReadonlyMap<string, string>,
  shown: Pick<ConsentView, 'scopes' | 'identity'>,
): ConsentDecision {
  const decision = form.get('decision')
  if (decision === 'deny') return { allow: false, scope: [], words: {}, problem: undefined }
  if (decision !== 'allow') throw new AAuthError('invalid_request', 'The form says neither yes nor no.')
  const isKept = ({ name, optional = true }: ConsentScope): boolean => !optional || form.has(`scope:${name}`)
  const scope = [...shown.scopes, ...shown.identity].filter(isKept).map(({ name }) => name)
  const words = Object.fromEntries(Object.entries(shownWords(shown)).filter(([name]) => scope.includes(name)))
  // A resource that changes its descriptions while the user reads must not get consent to what they never read.
  const problem = (form.get('words') ?? noWords) === wordsMark(shown) ? undefined : 'words-changed'
  return { allow: true, scope, words, problem: scope.length === 0 ? 'nothing-chosen' : problem }
}
