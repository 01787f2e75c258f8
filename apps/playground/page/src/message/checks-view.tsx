import type { JSX } from 'preact'
import type { AnalyzedCheck, CheckResult } from '../../../src/analysis/analysis.js'
import { ClauseLink } from './clause-link.js'

const icons: Readonly<Record<CheckResult, string>> = { passed: '✓', failed: '✗', 'not reached': '·', 'not judged': '?' }

/** The checks of a verifier in order. Those that passed before one that failed are folded, so that the fault is seen first. */
export function ChecksView({ checks }: { readonly checks: readonly AnalyzedCheck[] }): JSX.Element {
  if (checks.length === 0) return <p class="quiet">No signature is needed here, so there is nothing to check.</p>
  const failed = checks.findIndex(({ result }) => result === 'failed')
  if (failed < fewest) return <CheckList checks={checks} />
  return (
    <>
      <details class="before">
        <summary>{countOf(checks.slice(0, failed))}</summary>
        <CheckList checks={checks.slice(0, failed)} />
      </details>
      <CheckList checks={checks.slice(failed)} />
    </>
  )
}

/** Fewest checks that are folded. */
const fewest = 3

function countOf(before: readonly AnalyzedCheck[]): string {
  const passed = before.filter(({ result }) => result === 'passed').length
  const rest = before.length - passed
  return `${passed} checks passed before it${rest === 0 ? '' : `, ${rest} cannot be judged here`}`
}

function CheckList({ checks }: { readonly checks: readonly AnalyzedCheck[] }): JSX.Element {
  return (
    <ol class="checks">
      {checks.map(check => (
        <CheckRow key={check.id} check={check} />
      ))}
    </ol>
  )
}

function CheckRow({ check }: { readonly check: AnalyzedCheck }): JSX.Element {
  const { title, result, finding, reason, fix, why, clause, byReceiver } = check
  return (
    <li data-result={result}>
      <span class="icon" aria-hidden="true">
        {icons[result]}
      </span>
      <p class="title">
        <strong>{title}</strong> <span class="result">{result}</span> <span class="quiet ms">{timeOf(check)}</span>
      </p>
      <div>
        {finding === '' ? null : (
          <p>
            {finding} {reason === undefined || reason === '' ? null : <code class="reason">{reason}</code>}
          </p>
        )}
        {fix === undefined ? null : <p>What would be right: {fix}</p>}
        <p class="quiet">
          {why} <ClauseLink clause={clause} />
          {byReceiver && result === 'failed' ? ' Its receiver gave this reason.' : ''}
        </p>
      </div>
    </li>
  )
}

/** The time that a check took here. */
function timeOf({ ms, together }: AnalyzedCheck): string {
  if (ms === undefined) return ''
  const text = ms < 0.1 ? '< 0.1 ms' : `${ms.toFixed(1)} ms`
  return together ? `${text} together with its neighbours` : text
}
