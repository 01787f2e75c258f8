import type { CaseResult } from '../case/verdict.js'

/** What docs/protocol.md says that a case stands on, where its clause is more than one sentence; undefined where it is one. */
export function groundsOf({ clauses, words = [] }: Pick<CaseResult, 'clauses' | 'words'>): string | undefined {
  if (words.length === 0) return undefined
  return `the protocol says (${clauses[0]}): ${words.map(one => `"${one}"`).join(', ')}`
}
