import { aboutAnswers } from './answers.js'
import { aboutRecords } from './audit.js'
import { aboutCalls } from './calls.js'
import type { Evidence, Invariant } from './evidence.js'
import { aboutGrants } from './grants.js'
import { aboutRevocations } from './revocations.js'

/** Everything that must hold, whatever breaks. */
export const invariants: readonly Invariant[] = [
  ...aboutGrants,
  ...aboutRevocations,
  ...aboutCalls,
  ...aboutRecords,
  ...aboutAnswers,
]

/** A rule that did not hold. */
export interface Violation {
  readonly invariant: string
  readonly what: string
}

/** Judges a run. Reads nothing but its evidence. */
export function check(evidence: Evidence): Violation[] {
  return invariants.flatMap(({ name, violations }) => violations(evidence).map(what => ({ invariant: name, what })))
}
