// Writes down what a run has seen.
import { writeFileSync } from 'node:fs'
import { committedList, knownSurvivors, listFile, listText, survivorsFile } from './list.mjs'

/** Puts the case or test that has seen a mutant before the others, and keeps the list of survivors. */
export function noteResult({ mutant, killedBy }) {
  const list = committedList()
  const names = list.map(({ id }) => id)
  const survivors = knownSurvivors()
  if (killedBy === undefined) survivors.add(mutant.id)
  else survivors.delete(mutant.id)
  writeFileSync(
    survivorsFile,
    names
      .filter(id => survivors.has(id))
      .map(id => `${id}\n`)
      .join(''),
  )
  if (killedBy !== undefined)
    writeFileSync(listFile, listText(list.map(one => (one.id === mutant.id ? withFirst(one, killedBy) : one))))
}

/** Of a case, those of other participants are dropped, which need not be asked again. */
function withFirst(listed, { role, id, file, title }) {
  if (role !== undefined) return { ...listed, cases: { [role]: [id, ...listed.cases[role].filter(one => one !== id)] } }
  const others = listed.tests.filter(one => one.file !== file || one.title !== title)
  // Only a survivor has more than a few.
  return { ...listed, tests: [{ file, title }, ...others].slice(0, 4) }
}
