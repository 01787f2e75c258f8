// What cases and tests are about a mutant.
import { allCases } from '@countersign/conformance'
import { requirements } from '@countersign/requirements'

/** The participants that run the code of a package, first the one that shows most of it. A package that none of them shows has none. */
const rolesOf = {
  httpsig: ['resource', 'auth-server', 'agent-server', 'agent'],
  protocol: ['resource', 'auth-server', 'agent-server', 'agent'],
  discovery: ['resource', 'auth-server', 'agent-server'],
  verify: ['resource', 'auth-server', 'agent-server'],
  conditions: ['resource', 'auth-server'],
  resource: ['resource'],
  server: ['auth-server', 'agent-server'],
  'auth-server': ['auth-server'],
  'agent-server': ['agent-server'],
  agent: ['agent'],
  fetch: ['agent'],
}

const clauseOf = new Map(requirements.map(({ id, clause }) => [id, clause ?? id]))
const cases = allCases()

/** The cases that are about a requirement: those of its own id, else those about its clause. */
function casesAbout(role, requirement) {
  const own = cases.filter(one => one.role === role && one.id === requirement)
  if (own.length > 0) return own
  const clause = clauseOf.get(requirement)
  return cases.filter(
    one => one.role === role && [one.id, ...one.clauses].some(id => id === clause || clauseOf.get(id) === clause),
  )
}

/** The cases that are about its requirements, by the participant that they judge. */
export function casesFor({ file, requirements: ids }) {
  const roles = rolesOf[file.split('/')[1]] ?? []
  const found = roles.map(role => [role, [...new Set(ids.flatMap(id => casesAbout(role, id)).map(({ id }) => id))]])
  return Object.fromEntries(found.filter(([, some]) => some.length > 0))
}

/** The ids that a test may cite for it. */
export function citedFor(ids) {
  const clauses = new Set(ids.map(id => clauseOf.get(id)))
  const attacks = requirements.filter(({ clause, id }) => clauses.has(clause) && !ids.includes(id)).map(({ id }) => id)
  return ids.some(id => clauseOf.get(id) === id) ? [...ids, ...attacks] : [...new Set([...ids, ...clauses])]
}
