import { writeFileSync } from 'node:fs'
import { allCases } from '../all-cases.js'
import { ConfigurationError } from '../config/configuration-error.js'
import { matrixJson, mergeRuns } from '../matrix/matrix.js'
import { matrixPage } from '../matrix/matrix-page.js'
import { matrixText } from '../matrix/matrix-text.js'
import { readResults } from '../matrix/read-results.js'
import { readRequirements } from '../requirements.js'
import { thisSuite } from '../suite-version.js'

/** The flags of `conformance report`. */
export interface ReportFlags {
  readonly html?: string
  readonly json?: boolean
}

/** More results than that are no matrix that anyone reads. */
const mostResults = 64

/** Runs `conformance report RESULTS…`. @throws ConfigurationError for results that cannot be merged */
export function report(places: readonly string[], { html, json }: ReportFlags): void {
  if (places.length > mostResults) throw new ConfigurationError(`report merges at most ${mostResults} results`)
  const [requirements, cases] = [readRequirements(), allCases()]
  const edition = { suite: thisSuite(requirements, cases), requirements, cases }
  const matrix = mergeRuns(
    places.map(place => readResults(place, edition)),
    edition,
  )
  if (html !== undefined) writeFileSync(html, matrixPage(matrix))
  process.stdout.write(json === true ? matrixJson(matrix) : matrixText(matrix))
}
