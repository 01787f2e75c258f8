import { countVerdicts, type Verdict, worstOf } from '../case/verdict.js'
import { ConfigurationError } from '../config/configuration-error.js'
import type { LevelResult } from '../report/levels.js'
import type { Role } from '../report/role.js'
import { type ConformanceLevel, conformanceLevels, type ListedRequirement } from '../requirements.js'
import type { Suite } from '../suite-version.js'
import type { Edition, MergedResult, MergedRun } from './read-results.js'

/** An implementation, with a run for each participant that it offers. */
export interface Column {
  readonly name: string
  readonly runs: readonly MergedRun[]
}

/** A case in the cell of its clause. */
export interface CellCase extends MergedResult {
  readonly role: Role
}

/** What an implementation does about a clause: the worst verdict, and the cases. */
export interface Cell {
  readonly verdict: Verdict
  readonly cases: readonly CellCase[]
}

/** A clause, and a cell for each implementation: undefined where no participant that was judged has a case of it. */
export interface Row {
  readonly clause: ListedRequirement
  readonly cells: readonly (Cell | undefined)[]
}

/** The results of several implementations. */
export interface Matrix {
  readonly suite: Suite
  readonly columns: readonly Column[]
  readonly rows: readonly Row[]
  /** What did not hold after a group of cases, by implementation. */
  readonly afterGroups: readonly (readonly CellCase[])[]
}

/** @throws ConfigurationError where two runs of one participant have one name */
export function mergeRuns(runs: readonly MergedRun[], { suite, requirements }: Edition): Matrix {
  for (const [at, { name, role }] of runs.entries())
    if (runs.findIndex(one => one.name === name && one.role === role) < at)
      throw new ConfigurationError(`there are two results of the ${role} ${name}: NAME=PATH gives one another name`)
  const names = [...new Set(runs.map(({ name }) => name))]
  const columns = names.map(name => ({ name, runs: runs.filter(one => one.name === name) }))
  const isCase = ({ id }: MergedResult): boolean => !id.startsWith('after:')
  const clauseOf = (id: string): string => requirements.get(id).clause ?? id
  const cells = columns.map(({ runs: own }) => {
    const cases = new Map<string, CellCase[]>()
    for (const one of own.flatMap(casesOf).filter(isCase)) {
      const clause = clauseOf(one.id)
      cases.set(clause, [...(cases.get(clause) ?? []), one])
    }
    return cases
  })
  const rows = requirements.all.flatMap(clause => {
    const found = cells.map(one => cellOf(one.get(clause.id)))
    return found.some(cell => cell !== undefined) ? [{ clause, cells: found }] : []
  })
  const afterGroups = columns.map(column =>
    column.runs.flatMap(casesOf).filter(one => !isCase(one) && one.verdict !== 'passed'),
  )
  return { suite, columns, rows, afterGroups }
}

function casesOf({ role, results }: MergedRun): CellCase[] {
  return results.map(one => ({ ...one, role }))
}

function cellOf(cases: readonly CellCase[] | undefined): Cell | undefined {
  const verdict = worstOf((cases ?? []).map(one => one.verdict))
  return cases === undefined || verdict === undefined ? undefined : { verdict, cases }
}

/** How often each verdict of a clause came, in one column. */
export function clauseCounts({ rows }: Matrix, column: number): Readonly<Record<Verdict, number>> {
  return countVerdicts(rows.flatMap(({ cells }) => cells[column] ?? []))
}

/** What all runs of an implementation say of a level. */
export function columnLevel({ runs }: Column, level: ConformanceLevel): LevelResult['verdict'] {
  const said = runs.flatMap(({ levels }) => levels.filter(one => one.level === level).map(({ verdict }) => verdict))
  if (said.includes('not reached')) return 'not reached'
  return said.includes('reached') ? 'reached' : 'not judged'
}

/** The matrix as data. */
export function matrixJson(matrix: Matrix): string {
  const { suite, columns, rows, afterGroups } = matrix
  const implementations = columns.map((column, at) => ({
    name: column.name,
    participants: column.runs.map(({ role, counts, levels }) => ({ role, counts, levels })),
    clauses: clauseCounts(matrix, at),
    levels: Object.fromEntries(conformanceLevels.map(level => [level, columnLevel(column, level)])),
    afterGroups: afterGroups[at],
  }))
  const clauses = rows.map(({ clause: { id, section, level, text }, cells }) => ({
    id,
    section,
    level,
    text,
    // In the order of the implementations; null where none of their participants has a case.
    cells: cells.map(cell => cell ?? null),
  }))
  return `${JSON.stringify({ suite, implementations, clauses }, null, 2)}\n`
}
