import type { Verdict } from '../case/verdict.js'
import { type ConformanceLevel, conformanceLevels, type Requirements } from '../requirements.js'

/** What a run says of one level. */
export interface LevelResult {
  readonly level: ConformanceLevel
  /** `not judged`: no case of it applies. */
  readonly verdict: 'reached' | 'not reached' | 'not judged'
  readonly passed: number
  /** Ids of failed cases, and of looks after their groups. */
  readonly failed: readonly string[]
  /** Ids of cases that did not decide, or did not run. */
  readonly undecided: readonly string[]
  readonly notApplicable: readonly string[]
}

/** What a level is decided by. */
export interface LevelEvidence {
  readonly id: string
  readonly group: string
  readonly verdict: Verdict
}

/**
 * Says which levels a run has reached: those of which some case passed, and none failed or stayed undecided.
 * @param caseIds all cases for the judged participant: those without a result are undecided
 */
export function levelResults(o: {
  readonly results: readonly LevelEvidence[]
  readonly caseIds: readonly string[]
  readonly requirements: Requirements
}): readonly LevelResult[] {
  const { results, requirements } = o
  const levelOf = (id: string): ConformanceLevel => requirements.get(id).level
  const known = new Set(o.caseIds)
  // What follows a group is about the levels of its cases.
  const levelsOf = ({ id, group }: LevelEvidence): ConformanceLevel[] =>
    known.has(id)
      ? [levelOf(id)]
      : results.flatMap(one => (one.group === group && known.has(one.id) ? [levelOf(one.id)] : []))
  const ran = new Set(results.map(({ id }) => id))
  return conformanceLevels.map(level => {
    const about = results.filter(one => levelsOf(one).includes(level))
    const withVerdict = (verdict: Verdict): string[] => about.flatMap(one => (one.verdict === verdict ? [one.id] : []))
    const passed = about.filter(
      ({ id, verdict }) => known.has(id) && (verdict === 'passed' || verdict === 'warning'),
    ).length
    const failed = withVerdict('failed')
    const undecided = [...withVerdict('skipped'), ...o.caseIds.filter(id => !ran.has(id) && levelOf(id) === level)]
    const isOpen = failed.length > 0 || undecided.length > 0
    return {
      level,
      verdict: isOpen ? 'not reached' : passed > 0 ? 'reached' : 'not judged',
      passed,
      failed,
      undecided,
      notApplicable: withVerdict('not applicable'),
    }
  })
}

/** More ids than that say nothing to a reader; `checks.json` has all of them. */
const mostNamed = 8

/** What a run says of a level, in one line. */
export function levelLine({ level, verdict, passed, failed, undecided, notApplicable }: LevelResult): string {
  const more = [
    ...(passed > 0 ? [`${passed} passed`] : []),
    ...named('failed', failed),
    ...named('undecided', undecided),
    ...named('not applicable', notApplicable),
  ]
  return `level ${level}: ${verdict}${more.length === 0 ? '' : ` (${more.join('; ')})`}`
}

/** The same with numbers in place of ids. */
export function levelCounts({ level, verdict, passed, failed, undecided, notApplicable }: LevelResult): string {
  const counts = [
    [passed, 'passed'],
    [failed.length, 'failed'],
    [undecided.length, 'undecided'],
    [notApplicable.length, 'not applicable'],
  ] as const
  const more = counts.flatMap(([count, what]) => (count > 0 ? [`${count} ${what}`] : []))
  return `level ${level}: ${verdict}${more.length === 0 ? '' : ` (${more.join(', ')})`}`
}

function named(what: string, ids: readonly string[]): string[] {
  if (ids.length === 0) return []
  const rest = ids.length > mostNamed ? ` and ${ids.length - mostNamed} more` : ''
  return [`${what}: ${ids.slice(0, mostNamed).join(', ')}${rest}`]
}
