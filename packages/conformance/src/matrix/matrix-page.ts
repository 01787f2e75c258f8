import type { Verdict } from '../case/verdict.js'
import { verdicts } from '../case/verdict.js'
import { className, pageEnd, pageHead, text, words } from '../report/html.js'
import { conformanceLevels } from '../requirements.js'
import { findingsOf } from './findings.js'
import { type Cell, clauseCounts, columnLevel, type Matrix, type Row } from './matrix.js'
import { matrixStyle } from './matrix-style.js'

const marks: Readonly<Record<Verdict, string>> = {
  passed: 'passed',
  failed: 'failed',
  warning: 'warning',
  skipped: 'undecided',
  'not applicable': 'n/a',
}

/** One self-contained HTML page without script: a row for each clause, a column for each implementation. */
export function matrixPage(matrix: Matrix): string {
  const { suite, columns, rows } = matrix
  const of = columns.length === 1 ? 'one implementation' : `${columns.length} implementations`
  return `${pageHead(`Conformance of ${of}`, matrixStyle)}
<h1>Conformance of ${of}</h1>
<p class="dim">${text(`${rows.length} clauses; suite ${suite.version}, edition ${suite.edition}`)}</p>
<h2>Levels and counts</h2>
${table({ label: 'Levels and counts', first: 'level' }, matrix, [levelRows(matrix), roleRow(matrix), ...countRows(matrix)])}
<h2>Clauses</h2>
<fieldset class="filter">
<label><input type="radio" name="show" checked> all clauses</label>
<label><input type="radio" name="show" id="only-open"> what did not pass everywhere</label>
</fieldset>
${table({ label: 'Clauses', first: 'clause' }, matrix, rows.map(rowHtml))}
${findingsHtml(matrix)}
${pageEnd}`
}

/** A table that scrolls by itself, also by keyboard. */
function table(
  { label, first }: { readonly label: string; readonly first: string },
  { columns }: Matrix,
  rows: readonly string[],
): string {
  const names = columns.map(({ name }) => `<th scope="col" class="name">${text(name)}</th>`)
  return `<div class="scroll" tabindex="0" role="region" aria-label="${label}"><table>
<thead><tr><th scope="col">${first}</th>${names.join('')}</tr></thead>
<tbody>
${rows.join('\n')}
</tbody>
</table></div>`
}

function levelRows({ columns }: Matrix): string {
  const rows = conformanceLevels.map(level => {
    const cells = columns.map(column => columnLevel(column, level)).map(said => plain(said, said.replaceAll(' ', '-')))
    return `<tr><th scope="row">${level}</th>${cells.join('')}</tr>`
  })
  return rows.join('\n')
}

function roleRow({ columns }: Matrix): string {
  const cells = columns.map(({ runs }) => plain(runs.map(({ role }) => role).join(', '), 'none'))
  return `<tr><th scope="row">judged as</th>${cells.join('')}</tr>`
}

function countRows(matrix: Matrix): string[] {
  const counts = matrix.columns.map((_, at) => clauseCounts(matrix, at))
  return verdicts.map(verdict => {
    const cells = counts.map(one => plain(String(one[verdict]), one[verdict] === 0 ? 'none' : className(verdict)))
    return `<tr><th scope="row">clauses: ${verdict === 'skipped' ? 'undecided' : verdict}</th>${cells.join('')}</tr>`
  })
}

function plain(words: string, style: string): string {
  return `<td class="v ${style}">${text(words)}</td>`
}

function rowHtml({ clause, cells }: Row): string {
  const isWhole = cells.every(cell => cell === undefined || cell.verdict === 'passed')
  const head = `<span>${words(clause.text)}</span><code>§${text(clause.section)} ${text(clause.id)}</code>`
  return `<tr class="${isWhole ? 'whole' : 'open'}"><th scope="row">${head}</th>${cells.map(cell => cellHtml(cell, clause.id)).join('')}</tr>`
}

function cellHtml(cell: Cell | undefined, clause: string): string {
  if (cell === undefined) return '<td class="none"><span aria-label="not judged">·</span></td>'
  const { verdict } = cell
  const mark = marks[verdict]
  const leads = verdict !== 'passed' && verdict !== 'not applicable'
  return `<td class="v ${className(verdict)}">${leads ? `<a href="#${text(clause)}">${mark}</a>` : mark}</td>`
}

function findingsHtml(matrix: Matrix): string {
  const parts = findingsOf(matrix).map(({ clause, found }) => {
    const lines = found.map(({ column, role, id, verdict, reason = '' }) => {
      const name = matrix.columns[column]?.name ?? ''
      return `<p><b class="${className(verdict)}">${marks[verdict]}</b> ${text(name)} <span class="dim">${role} <code>${text(id)}</code></span><br>${text(reason)}</p>`
    })
    return `<section id="${text(clause)}"><h3>${text(clause)}</h3>\n${lines.join('\n')}</section>`
  })
  return parts.length === 0 ? '' : `<h2>What did not pass</h2>\n${parts.join('\n')}`
}
