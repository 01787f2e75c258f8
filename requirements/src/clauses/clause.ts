import type { Requirement } from '../requirement.js'

/** A clause of docs/protocol.md that holds today: some passing test must cite it. */
export function built(id: string, section: string, text: string): Requirement {
  return { id, section, text, status: 'built' }
}

/** A clause of docs/protocol.md that belongs to something that does not exist yet. */
export function later(id: string, section: string, text: string): Requirement {
  return { id, section, text, status: 'later' }
}
