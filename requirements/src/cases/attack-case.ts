import type { Requirement } from '../requirement.js'

/** A case of the attack catalogue; its section is that of the clause it attacks. */
export type AttackCase = Omit<Requirement, 'section' | 'clause'> & { readonly clause: string }

/** A case that what exists must withstand: some passing test must cite it. */
export function built(id: string, clause: string, text: string): AttackCase {
  return { id, clause, text, status: 'built' }
}

/** A case that needs something that does not exist yet. */
export function later(id: string, clause: string, text: string): AttackCase {
  return { id, clause, text, status: 'later' }
}

/** A case that only the tests of the long tier show: they kill processes. */
export function builtInLongTier(id: string, clause: string, text: string): AttackCase {
  return { ...built(id, clause, text), tier: 'long' }
}
