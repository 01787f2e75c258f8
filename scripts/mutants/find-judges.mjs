// Names who can see a mutant: the cases of the suite and the tests inside that make its check refuse.
import { citingTests } from './citing-tests.mjs'
import { casesFor, citedFor } from './judges.mjs'
import { reachInside, reachOutside } from './reach.mjs'

const roles = ['resource', 'auth-server', 'agent-server', 'agent']
// A case starts an agent several times.
const mostCases = { agent: 2 }
const mostTests = 4
/** Of one that has survived, more are tried. */
const mostTestsOfSurvivor = 24

/**
 * For each mutant, the cases and tests that can see it, by its id. Both are empty where nothing makes its check refuse. With `only`, no
 * case is run.
 */
export async function findJudges(mutants, { files, only, survivors }) {
  const cases = only !== undefined ? new Map() : await reachOutside(roles)
  console.log(`${cases.size} checks refuse in cases of the suite`)
  const tests = await reachInside(files)
  console.log(`${tests.size} checks refuse in tests`)
  const citing = citingTests()
  const judgesOf = mutant => {
    const { key, requirements, isReachable } = mutant
    const about = isReachable ? [] : citing.filter(({ ids }) => ids.some(id => requirements.includes(id)))
    return {
      ...nearestCases(mutant, cases.get(key)),
      tests: nearestTests(mutant, tests.get(key) ?? about.map(({ file, title }) => ({ file, title }))).slice(
        0,
        survivors.has(mutant.id) ? mostTestsOfSurvivor : mostTests,
      ),
    }
  }
  return new Map(mutants.map(mutant => [mutant.id, judgesOf(mutant)]))
}

/**
 * The one that saw it last first, then those that are about its requirements. They alone where nothing tells when a check refuses. `on`:
 * where each role shows it.
 */
function nearestCases(mutant, reached) {
  const about = casesFor(mutant)
  if (reached === undefined) return { cases: mutant.isReachable ? {} : about, on: {} }
  const sorted = Object.entries(reached).map(([role, { ids }]) => {
    const seen = ids.filter(id => mutant.cases?.[role]?.[0] === id)
    const own = ids.filter(id => about[role]?.includes(id))
    return [role, [...new Set([...seen, ...own, ...ids])].slice(0, mostCases[role] ?? 8)]
  })
  return {
    cases: Object.fromEntries(sorted),
    on: Object.fromEntries(Object.entries(reached).map(([role, { on }]) => [role, on])),
  }
}

/** The one that saw it last first, then those that cite its requirements, and those of its package. */
function nearestTests({ file, requirements, tests = [] }, reached) {
  const cited = citedFor(requirements)
  const folder = file.split('/').slice(0, 2).join('/')
  const isFirst = ({ file: test, title }) => test === tests[0]?.file && title === tests[0].title
  const distance = ({ file: test, title }) =>
    isFirst({ file: test, title })
      ? -1
      : (cited.some(id => title.split(/[[\] ]/).includes(id)) ? 0 : 2) + (test.startsWith(`${folder}/`) ? 0 : 1)
  return [...reached].sort((one, other) => distance(one) - distance(other))
}
