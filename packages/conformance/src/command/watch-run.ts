import type { JudgeOptions } from '../case/subject.js'
import type { CaseResult } from '../case/verdict.js'
import { resultLine, shortResultLine } from '../report/text-report.js'
import { openProgressLine } from './progress-line.js'

/** Failed cases that are named while the suite runs: where almost everything fails, the report says it in fewer lines. */
const mostFailed = 10

/** Tells a user of a run while it lasts: the cases that fail, or with `verbose` all, and on a terminal how far the run is. */
export function watchRun(
  { json, verbose }: { readonly json?: boolean; readonly verbose?: boolean },
  expectedFailures: readonly string[],
): Pick<JudgeOptions<unknown>, 'onProgress' | 'onResult'> {
  const progress = process.stderr.isTTY ? openProgressLine(process.stderr) : undefined
  let failed = 0
  const linesOf = (result: CaseResult): string | undefined => {
    if (json === true) return undefined
    if (verbose === true) return resultLine(result)
    if (result.verdict !== 'failed' || expectedFailures.includes(result.id)) return undefined
    failed += 1
    if (failed > mostFailed + 1) return undefined
    return failed > mostFailed ? 'FAILED   more cases: the report counts them' : shortResultLine(result)
  }
  return {
    onProgress: state => progress?.show(state),
    onResult(result) {
      const lines = linesOf(result)
      if (lines === undefined) return
      progress?.clear()
      console.log(lines)
    },
  }
}
