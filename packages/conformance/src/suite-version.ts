import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { ListedCase } from './all-cases.js'
import type { Requirements } from './requirements.js'

/** Which suite has judged. */
export interface Suite {
  readonly version: string
  /** Follows from the list of requirements and the list of cases: results of one edition can be compared. */
  readonly edition: string
}

/** The version of this package. */
export function suiteVersion(): string {
  const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
    version: string
  }
  return version
}

/** The suite that runs. */
export function thisSuite(requirements: Requirements, cases: readonly ListedCase[]): Suite {
  const required = requirements.all.map(({ id, level, clause = id }) => [id, level, clause])
  const judged = cases.map(({ role, id }) => [role, id])
  const hash = createHash('sha256').update(JSON.stringify([required, judged]))
  return { version: suiteVersion(), edition: hash.digest('hex').slice(0, 16) }
}
