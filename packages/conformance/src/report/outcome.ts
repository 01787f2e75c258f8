import { type CaseResult, countVerdicts, type Verdict } from '../case/verdict.js'
import type { Suite } from '../suite-version.js'
import { type Cause, causesOf } from './causes.js'
import type { LevelResult } from './levels.js'
import type { Role } from './role.js'

/** The results of a run, judged against the failures that were expected. */
export interface Outcome {
  readonly suite: Suite
  readonly role: Role
  /** The name of the implementation, where one was given. */
  readonly name?: string | undefined
  /** What was judged: a URL or a command. */
  readonly subject: string
  readonly seed: number
  readonly results: readonly CaseResult[]
  readonly counts: Readonly<Record<Verdict, number>>
  readonly levels: readonly LevelResult[]
  /** What went wrong in failed cases that were not expected to fail. */
  readonly causes: readonly Cause[]
  /** Ids of failed cases that were expected to fail. */
  readonly expected: readonly string[]
  /** Ids that were expected to fail and did not. */
  readonly stale: readonly string[]
  readonly milliseconds: number
}

/** Whether a run says that the implementation conforms: no failure that was not expected, no expectation that is out of date. */
export function conforms({ results, expected, stale, counts }: Outcome): boolean {
  const failed = results.filter(({ verdict }) => verdict === 'failed')
  return failed.every(({ id }) => expected.includes(id)) && stale.length === 0 && counts.passed + counts.warning > 0
}

/** What a reader calls it: its name, or what was judged. */
export function nameOf({ name, subject }: Pick<Outcome, 'name' | 'subject'>): string {
  return name ?? subject
}

/** Counts verdicts, compares them with what was expected, and groups what went wrong. */
export function outcomeOf(
  o: Omit<Outcome, 'counts' | 'causes' | 'expected' | 'stale'> & { readonly expectedFailures: readonly string[] },
): Outcome {
  const { results, expectedFailures, ...about } = o
  const failed = results.filter(({ verdict }) => verdict === 'failed')
  const failedIds = new Set(failed.map(({ id }) => id))
  // Of the cases that did not run, nothing is said.
  const ran = new Set(results.map(({ id }) => id))
  const surprising = failed.filter(({ id }) => !expectedFailures.includes(id))
  return {
    ...about,
    results,
    counts: countVerdicts(results),
    causes: causesOf(results, surprising),
    expected: expectedFailures.filter(id => failedIds.has(id)),
    stale: expectedFailures.filter(id => ran.has(id) && !failedIds.has(id)),
  }
}
