import type { Exchange } from '../wire/message.js'
import type { Refusal } from './refusal.js'

/** What became of a case. A case that could not decide is never `passed`. */
export type Verdict = 'passed' | 'failed' | 'warning' | 'skipped' | 'not applicable'

/** All verdicts, worst first. */
export const verdicts: readonly Verdict[] = ['failed', 'warning', 'skipped', 'not applicable', 'passed']

/** The worst of some verdicts; undefined where there is none. */
export function worstOf(found: readonly Verdict[]): Verdict | undefined {
  return verdicts.find(verdict => found.includes(verdict))
}

/** Counts how often each verdict came. */
export function countVerdicts(results: readonly { readonly verdict: Verdict }[]): Readonly<Record<Verdict, number>> {
  const count = (verdict: Verdict): number => results.filter(one => one.verdict === verdict).length
  return {
    passed: count('passed'),
    failed: count('failed'),
    warning: count('warning'),
    skipped: count('skipped'),
    'not applicable': count('not applicable'),
  }
}

/** One thing that a case tried or looked at. */
export interface Step {
  /** What was tried: for a refusal, the one fault of the request. */
  readonly title: string
  /** `control`: must be accepted, or nothing can be said. `accepted`, `refused`: the requirement itself. `check`: a look at what came back. */
  readonly kind: 'control' | 'accepted' | 'refused' | 'check' | 'sent'
  readonly ok: boolean
  /** What should have come back and what came. */
  readonly detail?: string
  /** Of a step `refused`: how the request must be refused. */
  readonly refusal?: Refusal
  readonly exchange?: Exchange
  /** What a program of the implementation printed: the beginning and the end of it. */
  readonly output?: string
}

/** The result of a case. */
export interface CaseResult {
  /** The id of a requirement, or `after:GROUP`. */
  readonly id: string
  readonly group: string
  /** Words of the sentences of docs/protocol.md that it stands on, where its clause is more than one. */
  readonly words?: readonly string[]
  /** Clauses of docs/protocol.md that it is about. */
  readonly clauses: readonly string[]
  readonly title: string
  readonly verdict: Verdict
  /** Why it is not `passed`. */
  readonly reason?: string
  readonly steps: readonly Step[]
  readonly milliseconds: number
}
