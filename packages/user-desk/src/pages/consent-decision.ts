import { type Conditions, narrow } from '@countersign/conditions'
import { AAuthError } from '@countersign/protocol'
import { refusal } from '@countersign/protocol/internal'
import type { ConsentProblem, ConsentScope, ConsentView } from './consent-view.js'
import { conditionsChosen, limitsIn } from './limits-form.js'
import type { LimitsView } from './limits-view.js'
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
  /**
   * The allowed scopes that are grave, or may be: those that need more than a click, where a consent to them does.
   * @see protocol §6.3, clause consent.grave
   */
  readonly grave: readonly string[]
  /** The conditions that the user chose. */
  readonly conditions: Conditions
  /** What they typed, for the page that asks again. */
  readonly limits: LimitsView | undefined
  /** Why the page must be shown once more. */
  readonly problem: ConsentProblem | undefined
}

/**
 * Reads the form of the consent page. Scopes and limits that the page did not show are ignored.
 * @param now Unix seconds
 * @throws AAuthError `invalid_request` for a form that says neither yes nor no
 */
export function consentDecision(
  form: ReadonlyMap<string, string>,
  shown: Pick<ConsentView, 'scopes' | 'identity' | 'resource' | 'purposes' | 'limits'>,
  now: number,
): ConsentDecision {
  const decision = form.get('decision')
  if (decision === 'deny')
    return { allow: false, scope: [], words: {}, grave: [], conditions: [], limits: undefined, problem: undefined }
  if (decision !== 'allow') throw refusal('form_incomplete', { about: 'neither yes nor no' })
  const isKept = ({ name, optional = true }: ConsentScope): boolean => !optional || form.has(`scope:${name}`)
  const kept = [...shown.scopes, ...shown.identity].filter(isKept)
  const scope = kept.map(({ name }) => name)
  const grave = kept.filter(each => each.grave !== undefined).map(({ name }) => name)
  const words = Object.fromEntries(Object.entries(shownWords(shown)).filter(([name]) => scope.includes(name)))
  // A resource that changes its descriptions while the user reads must not get consent to what they never read.
  const isSame = (form.get('words') ?? noWords) === wordsMark(shown)
  const limits = shown.limits && { ...shown.limits, chosen: limitsIn(form, shown.limits) }
  const conditions = limits === undefined ? [] : chosenIn(limits, { resource: shown.resource, now })
  const problem = problemOf({ isEmpty: scope.length === 0, isSame, isFit: conditions !== undefined })
  return { allow: true, scope, words, grave, conditions: conditions ?? [], limits, problem }
}

function problemOf(o: {
  readonly isEmpty: boolean
  readonly isSame: boolean
  readonly isFit: boolean
}): ConsentProblem | undefined {
  if (o.isEmpty) return 'nothing-chosen'
  if (!o.isSame) return 'words-changed'
  return o.isFit ? undefined : 'limits-unfit'
}

/** Undefined where they do not fit, by themselves or with those that hold anyway: no token could carry all. */
function chosenIn(
  { chosen, offered, given }: LimitsView,
  o: { readonly resource: string; readonly now: number },
): Conditions | undefined {
  const conditions = conditionsChosen(chosen, { offered, ...o })
  try {
    if (conditions !== undefined) narrow([...given.map(each => each.conditions), conditions])
    return conditions
  } catch (error) {
    if (error instanceof AAuthError) return undefined
    throw error
  }
}
