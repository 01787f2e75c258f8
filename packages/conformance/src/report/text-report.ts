import type { CaseResult, Verdict } from '../case/verdict.js'
import { causesText, wholeCausesText } from './cause-text.js'
import { levelCounts, levelLine } from './levels.js'
import { conforms, type Outcome } from './outcome.js'
import { counted, oneLine, printable, shortened, wrapped } from './text.js'

const marks = { passed: 'ok', failed: 'FAILED', warning: 'warning', skipped: 'skipped', 'not applicable': '-' } as const

/** A line for a result and one for the reason, while the suite runs. */
export function resultLine({ id, verdict, title, reason }: CaseResult): string {
  const line = `${marks[verdict].padEnd(8)} ${id.padEnd(32)} ${title}`
  return reason === undefined ? line : `${line}\n${' '.repeat(9)}${printable(reason)}`
}

/** One line for a result. */
export function shortResultLine({ id, verdict, title }: CaseResult): string {
  return oneLine(`${marks[verdict].padEnd(8)} ${id}: ${title}`)
}

/** How a report is printed. */
export interface TextOptions {
  /** Whether it has the bytes of all that went wrong. */
  readonly isVerbose: boolean
  /** Where the bytes of all cases were written. */
  readonly folder?: string | undefined
}

/** What went wrong, grouped by its cause, then what was not decided, the counts and the levels. */
export function textReport(outcome: Outcome, options: TextOptions): string {
  const { causes, counts, levels, milliseconds } = outcome
  const verdictCounts = Object.entries(counts).map(([verdict, count]) => `${count} ${verdict}`)
  const lines = [
    ...(causes.length === 0 ? [] : failuresText(outcome, options)),
    // A verbose run has said it of each case.
    ...(options.isVerbose ? [] : undecidedText(outcome.results)),
    ...expectationsText(outcome),
    ...wrapped(`${verdictCounts.join(', ')}; ${(milliseconds / 1000).toFixed(1)} s; seed ${outcome.seed}`, '', '  '),
    ...levels.flatMap(level => wrapped(options.isVerbose ? levelLine(level) : levelCounts(level), '', '  ')),
    conforms(outcome) ? 'conforms' : 'does not conform',
  ]
  return `${lines.join('\n')}\n`
}

function failuresText(outcome: Outcome, { isVerbose, folder }: TextOptions): string[] {
  const { causes, counts, expected, results } = outcome
  const failed = counts.failed - expected.length
  const order = causes.length > 1 ? ' First comes what to mend first.' : ''
  const head = `${failed} of ${counted(results.length, 'case')} failed, by ${counted(causes.length, 'cause')}.${order}`
  const where =
    folder === undefined
      ? '--out FOLDER writes all of them, --verbose prints them'
      : `all are in ${folder}/index.html and ${folder}/checks.json`
  return [
    '',
    ...wrapped(head, ''),
    ...(isVerbose ? wholeCausesText(causes) : causesText(causes)),
    '',
    ...(isVerbose ? [] : [...wrapped(`Shown are the messages of the first case of a cause: ${where}.`, ''), '']),
  ]
}

/** Why cases have a warning, were skipped, or are not applicable. */
function undecidedText(results: readonly CaseResult[]): string[] {
  return (['warning', 'skipped', 'not applicable'] as const).flatMap(verdict => {
    const reasons = reasonsOf(results, verdict).slice(0, mostReasons)
    const found = results.filter(one => one.verdict === verdict).length
    const rest = found - reasons.reduce((sum, { ids }) => sum + ids.length, 0)
    const words = reasons.map(
      ({ reason, ids }) =>
        `${shortened(printable(reason), longestReason)} (${ids.length > 3 ? ids.length : ids.join(', ')})`,
    )
    if (rest > 0) words.push(`${rest} for other reasons`)
    return found === 0 ? [] : wrapped(`${verdict}: ${words.join('; ')}`, '', '  ')
  })
}

/** Reasons of one verdict that are printed, and how much of each. */
const mostReasons = 5
const longestReason = 200

/** The reasons of a verdict, the most frequent first, with the cases that have them. */
function reasonsOf(results: readonly CaseResult[], verdict: Verdict): Array<{ reason: string; ids: string[] }> {
  const byReason = new Map<string, string[]>()
  for (const { id, reason = '', verdict: found } of results)
    if (found === verdict) byReason.set(reason, [...(byReason.get(reason) ?? []), id])
  return [...byReason]
    .map(([reason, ids]) => ({ reason, ids }))
    .toSorted((one, other) => other.ids.length - one.ids.length)
}

function expectationsText({ expected, stale }: Outcome): string[] {
  return [
    ...(expected.length === 0 ? [] : wrapped(`expected to fail, and failed: ${expected.join(', ')}`, '', '  ')),
    ...(stale.length === 0 ? [] : wrapped(`expected to fail, and did not: ${stale.join(', ')}`, '', '  ')),
  ]
}
