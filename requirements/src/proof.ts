import type { Requirement } from './requirement.js'

/** What the passing tests of a run prove. */
export interface Proof {
  /** Built, and cited by no passing test. */
  readonly missing: readonly Requirement[]
  /** Built, and proven. */
  readonly proven: readonly Requirement[]
  /** Marked `later`, yet cited by a passing test: time to mark it `built`. */
  readonly ahead: readonly Requirement[]
}

/**
 * Compares requirements with the full names of the tests that passed.
 * A case that is proven proves the clause it attacks too: who withstands the attack keeps the clause.
 * @param passed full test names, ids in brackets as `verifies()` writes them
 * @param tier of the run: a `short` one need not prove what belongs to the long tier
 */
export function proofOf(
  requirements: readonly Requirement[],
  passed: Iterable<string>,
  tier: 'short' | 'long' = 'long',
): Proof {
  const cited = citationsIn(passed)
  const attacked = requirements.filter(r => cited.has(r.id)).flatMap(r => (r.clause === undefined ? [] : [r.clause]))
  const shown = new Set([...cited, ...attacked])
  const built = requirements.filter(r => r.status === 'built')
  return {
    missing: built.filter(r => !shown.has(r.id) && (tier === 'long' || r.tier !== 'long')),
    proven: built.filter(r => shown.has(r.id)),
    ahead: requirements.filter(r => r.status === 'later' && cited.has(r.id)),
  }
}

function citationsIn(names: Iterable<string>): ReadonlySet<string> {
  const cited = new Set<string>()
  for (const name of names)
    for (const group of name.matchAll(/\[([^\]]+)\]/g)) for (const id of (group[1] ?? '').split(' ')) cited.add(id)
  return cited
}
