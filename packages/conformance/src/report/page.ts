import { type CaseResult, type Step, verdicts, worstOf } from '../case/verdict.js'
import type { Requirements } from '../requirements.js'
import { causesHtml } from './cause-html.js'
import { caseAnchor, className, countsHtml, groundsHtml, messagesHtml, pageEnd, pageHead, text, words } from './html.js'
import { type LevelResult, levelLine } from './levels.js'
import { conforms, nameOf, type Outcome } from './outcome.js'
import { pageStyle } from './page-style.js'
import { printable } from './text.js'

/** One self-contained HTML page without script: a row for each clause, which opens to its cases and their messages. */
export function htmlPage(outcome: Outcome, requirements: Requirements): string {
  const { role, results, seed, milliseconds, counts } = outcome
  const verdict = conforms(outcome) ? 'conforms' : 'does not conform'
  const rows = clauseRows(results, requirements)
  return `${pageHead(`${nameOf(outcome)} ${verdict}`, pageStyle)}
<h1>${text(`The ${role} ${nameOf(outcome)} ${verdict}`)}</h1>
<p class="dim">${text(`${results.length} cases in ${(milliseconds / 1000).toFixed(1)} s, seed ${seed}`)}</p>
${countsHtml(verdicts.map(one => [one, counts[one]]))}
${causesHtml(outcome.causes)}
${levelsHtml(outcome.levels)}
${expectedHtml(outcome)}
<fieldset class="filter">
<label><input type="radio" name="show" checked> all clauses</label>
<label><input type="radio" name="show" id="only-failed"> failed and warnings</label>
<label><input type="radio" name="show" id="only-skipped"> skipped and not applicable</label>
</fieldset>
<h2>Clauses</h2>
${rows.join('\n')}
<h2>After each group</h2>
${results
  .filter(({ clauses }) => clauses.length === 0)
  .map(one => caseHtml(one, 'row '))
  .join('\n')}
${pageEnd}`
}

function levelsHtml(levels: readonly LevelResult[]): string {
  const items = levels.map(one => `<li>${text(levelLine(one))}</li>`)
  return `<h2>Levels</h2>\n<ul class="levels">${items.join('')}</ul>`
}

function expectedHtml({ expected, stale }: Outcome): string {
  const lines = [
    ...(expected.length === 0 ? [] : [`Expected to fail, and failed: ${expected.join(', ')}`]),
    ...(stale.length === 0 ? [] : [`Expected to fail, and did not: ${stale.join(', ')}`]),
  ]
  return lines.map(line => `<p>${text(line)}</p>`).join('\n')
}

/** A row for each clause that a case is about first, in the order of the protocol page. */
function clauseRows(results: readonly CaseResult[], requirements: Requirements): string[] {
  return requirements.all.flatMap(({ id, section, text: rule }) => {
    const about = results.filter(({ clauses }) => clauses[0] === id)
    if (about.length === 0) return []
    const worst = worstOf(about.map(({ verdict }) => verdict)) ?? 'skipped'
    const cases = about.map(one => caseHtml(one, '')).join('\n')
    const head = `<span class="verdict">${worst}</span><span>${words(rule)} <code>§${section} ${text(id)}</code></span>`
    return [`<details class="row ${className(worst)}"><summary>${head}</summary>\n${cases}\n</details>`]
  })
}

function caseHtml(result: CaseResult, row: string): string {
  const { id, title, verdict, reason, steps } = result
  const why = reason === undefined ? '' : `<br><span class="dim">${text(printable(reason))}</span>`
  const head = `<span class="verdict">${verdict}</span><span>${words(title)} <code>${text(id)}</code>${why}</span>`
  return `<details class="${row}${className(verdict)}" id="${caseAnchor(id)}"><summary>${head}</summary>${groundsHtml(result)}${steps.map(stepHtml).join('')}</details>`
}

function stepHtml(step: Step): string {
  const { title, detail, ok } = step
  const said = `<p${ok ? '' : ' class="bad"'}>${ok ? '' : 'wrong: '}${text(printable(title))}</p>`
  const more = detail === undefined ? '' : `<p class="dim">${text(printable(detail))}</p>`
  return `<div class="step">${said}${more}${messagesHtml(step)}</div>`
}
