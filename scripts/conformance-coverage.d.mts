/** Clauses that a case could be about, and none is yet. */
export const uncovered: ReadonlyArray<{ readonly id: string }>
/** The page docs/conformance-coverage.md. */
export function coveragePage(): string
