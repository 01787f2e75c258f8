import type { CellCase, Matrix } from './matrix.js'

/** A case that an implementation did not pass. */
export interface Finding extends CellCase {
  /** Its place among the implementations. */
  readonly column: number
}

/** What did not pass, clause by clause, then what did not hold after groups. Not applicable cases are none of it. */
export function findingsOf({ rows, afterGroups }: Matrix): { readonly clause: string; readonly found: Finding[] }[] {
  const notPassed = ({ verdict }: CellCase): boolean => verdict !== 'passed' && verdict !== 'not applicable'
  const inColumn = (cases: readonly CellCase[] = [], column: number): Finding[] =>
    cases.filter(notPassed).map(one => ({ ...one, column }))
  const ofRows = rows.map(({ clause, cells }) => ({
    clause: clause.id,
    found: cells.flatMap((cell, column) => inColumn(cell?.cases, column)),
  }))
  const ofGroups = { clause: 'after groups', found: afterGroups.flatMap(inColumn) }
  return [...ofRows, ofGroups].filter(({ found }) => found.length > 0)
}
