import { existsSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { ListedCase } from '../all-cases.js'
import { countVerdicts, type Verdict, verdicts } from '../case/verdict.js'
import { ConfigurationError } from '../config/configuration-error.js'
import { readName } from '../config/name.js'
import { readJsonFile } from '../config/read-json.js'
import { type LevelResult, levelResults } from '../report/levels.js'
import { type Role, roles } from '../report/role.js'
import { printable } from '../report/text.js'
import type { Requirements } from '../requirements.js'
import type { Suite } from '../suite-version.js'

/** What results are compared with: those of other lists cannot be merged. */
export interface Edition {
  readonly suite: Suite
  readonly requirements: Requirements
  readonly cases: readonly ListedCase[]
}

/** One result of a run that is merged. */
export interface MergedResult {
  readonly id: string
  readonly group: string
  readonly verdict: Verdict
  readonly reason?: string | undefined
}

/** One run that is merged. Counts and levels follow from its verdicts, whatever the file says of them. */
export interface MergedRun {
  readonly name: string
  readonly role: Role
  readonly results: readonly MergedResult[]
  readonly counts: Readonly<Record<Verdict, number>>
  readonly levels: readonly LevelResult[]
}

/**
 * Reads the results of one run.
 * @param place `checks.json`, a folder with it, or one of both as `NAME=PATH`
 * @throws ConfigurationError for a file that is none of this edition
 */
export function readResults(place: string, edition: Edition): MergedRun {
  const { file, given } = locate(place)
  const read = objectOf(file, readJsonFile(file))
  const { edition: found } = objectOf(file, read['suite'] ?? {})
  if (found !== edition.suite.edition)
    throw new ConfigurationError(
      `${file} is of another edition of the suite than ${edition.suite.version} (${edition.suite.edition}): run it again with this one`,
    )
  const role = roles.find(one => one === read['role']) ?? wrong(file, 'role')
  const name = readName(`the name of ${file}, or else what was judged,`, given ?? read['name'] ?? read['subject'])
  const caseIds = edition.cases.flatMap(one => (one.role === role ? [one.id] : []))
  const results = readChecks(file, read['checks'], caseIds)
  const levels = levelResults({ results, caseIds, requirements: edition.requirements })
  return { name, role, results, counts: countVerdicts(results), levels }
}

function locate(place: string): { file: string; given?: string } {
  if (existsSync(place)) return { file: fileOf(place) }
  // Names and paths may have = in them.
  const ends = [...place.matchAll(/=/g)].map(({ index }) => index)
  const at = ends.find(end => existsSync(place.slice(end + 1)))
  return at === undefined ? { file: place } : { file: fileOf(place.slice(at + 1)), given: place.slice(0, at) }
}

function fileOf(path: string): string {
  return statSync(path).isDirectory() ? join(path, 'checks.json') : path
}

function readChecks(file: string, value: unknown, caseIds: readonly string[]): MergedResult[] {
  if (!Array.isArray(value)) return wrong(file, 'list of checks')
  // Each case and a look after each group: a list that is longer names some twice.
  if (value.length > 2 * caseIds.length) return wrong(file, 'number of checks')
  const known = new Set(caseIds)
  const results = value.map(one => readCheck(file, one, known))
  const ids = new Set(results.map(({ id }) => id))
  if (ids.size < results.length) return wrong(file, 'checks: an id comes twice')
  const absent = caseIds.filter(id => !ids.has(id))
  return [...results, ...absent.map(id => ({ id, group: '', verdict: 'skipped', reason: 'it did not run' }) as const)]
}

function readCheck(file: string, value: unknown, known: ReadonlySet<string>): MergedResult {
  const { id, group, verdict, reason } = objectOf(file, value)
  if (typeof group !== 'string' || !/^[A-Za-z0-9][A-Za-z0-9 -]{0,39}$/.test(group))
    return wrong(file, 'group of a check')
  if (typeof id !== 'string' || !(known.has(id) || id === `after:${group}`)) return wrong(file, 'id of a check')
  if (reason !== undefined && typeof reason !== 'string') return wrong(file, 'reason of a check')
  return {
    id,
    group,
    verdict: verdicts.find(one => one === verdict) ?? wrong(file, 'verdict of a check'),
    reason: reason === undefined ? undefined : short(printable(reason)),
  }
}

/** A longer reason says nothing to a reader; the page of its run has all of it. */
const longestReason = 500

function short(reason: string): string {
  return reason.length > longestReason ? `${reason.slice(0, longestReason)}…` : reason
}

function objectOf(file: string, value: unknown): Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null) return wrong(file, 'object')
  return value as Record<string, unknown>
}

function wrong(file: string, what: string): never {
  throw new ConfigurationError(`${file} is no checks.json: wrong ${what}`)
}
