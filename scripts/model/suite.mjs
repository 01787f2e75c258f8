// Which attacks of the models the conformance suite runs against any implementation: cases of the suite name them by id.
import { allCases } from '@countersign/conformance'
import { insideOnly, isNamed } from '@countersign/requirements'

/** Attacks that no suite can run from outside, though other cases of their clauses can. */
export const insideOnlyCases = [
  { ids: ['UIX-32'], why: 'It takes a browser with several pages open at once; a user of the suite visits one.' },
  { ids: ['APR-18'], why: 'It takes a resource that describes one request in two ways, a minute apart.' },
  { ids: ['APR-05'], why: 'It takes a restart of the implementation.' },
  {
    ids: ['CLI-21'],
    why: 'It takes an agent that serves several users, each with a session of its own, and the suite starts an agent by a command.',
  },
]

/** The cases of the suite that run the attack on a protection: those with its id, and those that are about it beside their own. */
export function suiteCases({ case: id }) {
  return allCases().filter(one => one.id === id || one.clauses.includes(id))
}

/** Why only tests inside run the attack on a protection; undefined where the suite could. */
export function whyInside({ clause, case: id }) {
  const found =
    insideOnlyCases.find(({ ids }) => ids.includes(id)) ?? insideOnly.find(({ clauses }) => isNamed(clause, clauses))
  return found?.why
}

/** Attacks that the suite does not run, once each, with what is said of why. */
export function notInSuite(models) {
  const open = models.flatMap(({ protections }) => protections).filter(one => suiteCases(one).length === 0)
  return [...new Map(open.map(one => [one.case, { id: one.case, clause: one.clause, why: whyInside(one) }])).values()]
}
