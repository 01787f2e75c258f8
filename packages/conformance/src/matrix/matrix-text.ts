import type { Verdict } from '../case/verdict.js'
import { levelLine } from '../report/levels.js'
import { findingsOf } from './findings.js'
import { clauseCounts, type Matrix } from './matrix.js'

const marks: Readonly<Record<Verdict, string>> = {
  passed: 'ok',
  failed: 'FAILED',
  warning: 'warning',
  skipped: '?',
  'not applicable': '-',
}

/** The matrix for a terminal: implementations by number, a line for each clause, then why something did not pass. */
export function matrixText(matrix: Matrix): string {
  const { suite, columns, rows } = matrix
  const widest = Math.max(...rows.map(({ clause }) => clause.id.length), 6)
  const line = (first: string, cells: readonly string[]): string =>
    `${first.padEnd(widest)}  ${cells.map(cell => cell.padEnd(7)).join(' ')}`.trimEnd()
  const numbers = columns.map((_, at) => `[${at + 1}]`)
  return [
    `suite ${suite.version}, edition ${suite.edition}`,
    '',
    ...columns.flatMap(({ name, runs }, at) => [
      `${numbers[at]} ${name}: ${counted(clauseCounts(matrix, at))} of the clauses`,
      ...runs.flatMap(({ role, counts, levels }) => [
        `    ${role}: ${counted(counts)} of the cases`,
        ...levels.map(level => `      ${levelLine(level)}`),
      ]),
    ]),
    '',
    line('clause', numbers),
    ...rows.map(({ clause, cells }) =>
      line(
        clause.id,
        cells.map(cell => (cell === undefined ? '' : marks[cell.verdict])),
      ),
    ),
    '',
    ...findingsOf(matrix).flatMap(({ clause, found }) => [
      clause,
      ...found.map(
        ({ column, role, id, verdict, reason }) => `  ${numbers[column]} ${role} ${id} ${verdict}: ${reason ?? ''}`,
      ),
    ]),
    '',
  ].join('\n')
}

function counted(counts: Readonly<Record<Verdict, number>>): string {
  return Object.entries(counts)
    .filter(([, count]) => count > 0)
    .map(([verdict, count]) => `${count} ${verdict}`)
    .join(', ')
}
