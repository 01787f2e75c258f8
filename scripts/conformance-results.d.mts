/** What `countersign conformance report --json` prints, as far as the page needs it. */
export interface ReportJson {
  readonly suite: { readonly version: string; readonly edition: string }
  readonly implementations: readonly object[]
  readonly clauses: readonly object[]
}

export function resultsPage(report: ReportJson, notes: ReadonlyMap<string, string>): string
