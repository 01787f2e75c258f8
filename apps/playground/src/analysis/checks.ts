import type { AnalyzedCheck } from './analysis.js'
import { clauseOf, reasonWords } from './clause.js'
import { type Judgement, type Judgements, sentence } from './run.js'
import { type StepId, stepOf, stepOfReason } from './steps.js'

/** What the receiver of a request answered, as far as it tells of checks. */
export interface Answer {
  readonly status: number
  /** The refusal; absent: it let the request pass. */
  readonly refusal?: { readonly reason: string; readonly description: string }
}

/**
 * The checks of a request in order. The receiver's own answer decides where there is one: what is judged again here explains it.
 * @param answer absent: nobody has received it
 */
export function checksOf(ids: readonly StepId[], judged: Judgements, answer?: Answer): AnalyzedCheck[] {
  const stop = stopOf(ids, judged, answer)
  let isOver = false
  return ids.map((id, index): AnalyzedCheck => {
    const own = judged.get(id)
    const row = (outcome: Outcome): AnalyzedCheck => rowOf(id, outcome, own?.clause)
    if (isOver || index > stop) return row(notReached)
    if (index === stop) return row(refusedHere(answer, own))
    if (answer !== undefined) return row(passedThere(id, own))
    isOver = own === undefined || own.result === 'failed'
    return row(own === undefined ? notReached : repeated(own))
  })
}

type Outcome = Pick<AnalyzedCheck, 'result' | 'finding'> &
  Partial<Pick<AnalyzedCheck, 'reason' | 'ms' | 'together' | 'byReceiver'>>

const notReached: Outcome = { result: 'not reached', finding: '' }

/** The index of the check that refused; beyond the last one when none did. */
function stopOf(ids: readonly StepId[], judged: Judgements, answer: Answer | undefined): number {
  const reason = answer?.refusal?.reason
  if (reason === undefined) return ids.length
  // Several checks share some reasons: the one that refuses here, too, is the one.
  const same = ids.findIndex(id => judged.get(id)?.result === 'failed' && judged.get(id)?.reason === reason)
  const found = same < 0 ? ids.indexOf(stepOfReason(reason)) : same
  return found < 0 ? ids.length - 1 : found
}

function rowOf(id: StepId, outcome: Outcome, ownClause?: string): AnalyzedCheck {
  const { title, why, clause } = stepOf(id)
  const words = outcome.reason === undefined ? undefined : reasonWords(outcome.reason)
  return {
    id,
    title,
    why,
    ...outcome,
    clause: clauseOf(words?.clause ?? ownClause ?? clause),
    ...(words === undefined ? {} : { fix: words.fix }),
  }
}

function refusedHere(answer: Answer | undefined, own: Judgement | undefined): Outcome {
  const { reason = '', description = '' } = answer?.refusal ?? {}
  return { result: 'failed', reason, finding: sentence(description), byReceiver: true, ...timeOf(own) }
}

/** A check that the receiver has let pass. */
function passedThere(id: StepId, own: Judgement | undefined): Outcome {
  if (own === undefined) return { result: 'passed', finding: 'The receiver let it pass.', byReceiver: true }
  if (own.result === 'passed') return repeated(own)
  if (own.result === 'unknown') {
    const finding = id === 'accepted' ? 'The receiver accepts it.' : `The receiver let it pass. ${own.finding}`
    return { result: 'passed', finding, byReceiver: true }
  }
  // The receiver saw what this page does not, such as a key that is published no more.
  const finding = `The receiver let it pass. Judged again here it would be refused: ${own.reason}.`
  return { result: 'not judged', finding, byReceiver: true, ...timeOf(own) }
}

function repeated(own: Judgement): Outcome {
  const { finding, reason } = own
  const result = own.result === 'unknown' ? 'not judged' : own.result
  return { result, finding, ...(reason === undefined ? {} : { reason }), ...timeOf(own) }
}

function timeOf(own: Judgement | undefined): Pick<Outcome, 'ms' | 'together'> {
  return {
    ...(own?.ms === undefined ? {} : { ms: own.ms }),
    ...(own?.together === undefined ? {} : { together: own.together }),
  }
}
