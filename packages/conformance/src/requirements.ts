import { readFileSync } from 'node:fs'

/** What an implementation may claim to keep, as requirements/ divides the clauses. */
export const conformanceLevels = ['core', 'consent', 'delegates', 'chain', 'delegation'] as const

/** One of {@link conformanceLevels}. */
export type ConformanceLevel = (typeof conformanceLevels)[number]

/** A requirement of the protocol, as requirements/ has it. */
export interface ListedRequirement {
  readonly id: string
  /** Section of docs/protocol.md. */
  readonly section: string
  readonly level: ConformanceLevel
  /** For a case of the attack catalogue: the clause that it attacks. */
  readonly clause?: string
  readonly text: string
}

/** The list of requirements. */
export interface Requirements {
  readonly all: readonly ListedRequirement[]
  /** @throws TypeError for an id that is not on the list */
  get(id: string): ListedRequirement
}

/** Reads the list that is packed with the suite; a test compares it with requirements/. */
export function readRequirements(): Requirements {
  const file = new URL('../requirements.json', import.meta.url)
  const all = JSON.parse(readFileSync(file, 'utf8')) as ListedRequirement[]
  const byId = new Map(all.map(one => [one.id, one]))
  return {
    all,
    get(id) {
      const found = byId.get(id)
      if (found === undefined) throw new TypeError(`${id} is no requirement`)
      return found
    },
  }
}
