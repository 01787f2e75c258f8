import type { AnalyzedCheck } from './analysis.js'
import { clauseOf, reasonWords } from './clause.js'
import { type Judgement, type Judgements, sentence } from './judge.js'
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
  const stop = stopOf(ids, answer)
  let isOver = false
  return ids.map((id, index): AnalyzedCheck => {
    const own = judged.get(id)
    if (isOver || index > stop) return row(id, notReached)
    if (index === stop) return row(id, refusedHere(answer, own))
    if (answer !== undefined) return row(id, passedThere(id, own))
    isOver = own === undefined || own.result === 'failed'
    return row(id, own === undefined ? notReached : repeated(own))
  })
}

type Outcome = Pick<AnalyzedCheck, 'result' | 'finding'> &
  Partial<Pick<AnalyzedCheck, 'reason' | 'ms' | 'together' | 'byReceiver'>>

const notReached: Outcome = { result: 'not reached', finding: '' }

/** The index of the check that refused; beyond the last one when none did. */
function stopOf(ids: readonly StepId[], answer: Answer | undefined): number {
  const reason = answer?.refusal?.reason
  if (reason === undefined) return ids.length
  const found = ids.indexOf(stepOfReason(reason))
  return found < 0 ? ids.length - 1 : found
}

function row(id: StepId, outcome: Outcome): AnalyzedCheck {
  const { title, why, clause } = stepOf(id)
  const words = outcome.reason === undefined ? undefined : reasonWords(outcome.reason)
  return {
    ...{ id, title, why, ...outcome, clause: clauseOf(words?.clause ?? clause) },
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
