import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { allCases } from '../all-cases.js'
import { ConfigurationError } from '../config/configuration-error.js'
import type { Role } from '../report/role.js'
import { readRequirements } from '../requirements.js'
import { thisSuite } from '../suite-version.js'
import { type Matrix, matrixJson, mergeRuns } from './matrix.js'
import { matrixPage } from './matrix-page.js'
import { matrixText } from './matrix-text.js'
import { readResults } from './read-results.js'

const folder = mkdtempSync(join(tmpdir(), 'conformance-report-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const [requirements, cases] = [readRequirements(), allCases()]
const edition = { suite: thisSuite(requirements, cases), requirements, cases }

interface Check {
  readonly id: unknown
  readonly group: unknown
  readonly verdict: unknown
  readonly reason?: unknown
}

const idsOf = (role: Role): string[] => cases.flatMap(one => (one.role === role ? [one.id] : []))

/** All cases of a role, passed, but for those that are named. */
function checksOf(role: Role, changed: Readonly<Record<string, Partial<Check>>> = {}): Check[] {
  return idsOf(role).map(id => ({ id, group: 'some', verdict: 'passed', ...changed[id] }))
}

let written = 0

/** Writes the results of a run, and says where. */
function results(content: object | string): string {
  written += 1
  const place = join(folder, `run-${written}`)
  mkdirSync(place)
  writeFileSync(join(place, 'checks.json'), typeof content === 'string' ? content : JSON.stringify(content))
  return place
}

const run = (more: object = {}): object => ({
  suite: edition.suite,
  role: 'resource',
  subject: 'http://localhost:4130/',
  checks: checksOf('resource'),
  ...more,
})

const merged = (...places: readonly string[]): Matrix =>
  mergeRuns(
    places.map(place => readResults(place, edition)),
    edition,
  )

test('a matrix has a row for each clause and a column for each implementation', () => {
  const one = results(run({ name: 'One' }))
  const two = results(
    run({ checks: checksOf('resource', { 'COV-04': { verdict: 'failed', reason: 'it was accepted' } }) }),
  )
  const matrix = merged(one, `Two=${join(two, 'checks.json')}`)
  expect(matrix.columns.map(({ name }) => name)).toEqual(['One', 'Two'])
  const row = matrix.rows.find(({ clause }) => clause.id === 'sig.covered.query')
  expect(row?.cells.map(cell => cell?.verdict)).toEqual(['passed', 'failed'])
  const { implementations, clauses } = JSON.parse(matrixJson(matrix))
  expect(implementations[0].clauses).toMatchObject({ passed: matrix.rows.length, failed: 0 })
  expect(implementations[1].clauses).toMatchObject({ passed: matrix.rows.length - 1, failed: 1 })
  expect(implementations.map((of: { levels: { core: string } }) => of.levels.core)).toEqual(['reached', 'not reached'])
  expect(clauses).toHaveLength(matrix.rows.length)
  expect(matrixText(matrix)).toMatch(/^sig\.covered\.query +ok +FAILED$/m)
  expect(matrixText(matrix)).toContain('  [2] resource COV-04 failed: it was accepted\n')
  expect(matrixPage(matrix)).toContain('<a href="#sig.covered.query">failed</a>')
})

test('the participants of one implementation share its column, with the worst verdict of each clause', () => {
  const resource = results(run({ name: 'One' }))
  const failing = { 'sig.replay.token-endpoints': { verdict: 'failed' } }
  const server = results(run({ name: 'One', role: 'agent-server', checks: checksOf('agent-server', failing) }))
  const matrix = merged(resource, server)
  expect(matrix.columns).toHaveLength(1)
  const row = matrix.rows.find(({ clause }) => clause.id === 'sig.replay.token-endpoints')
  expect(row?.cells[0]?.verdict).toBe('failed')
})

test('a case without a result is undecided, and what the file says of counts and levels is not believed', () => {
  const place = results(
    run({ name: 'One', checks: checksOf('resource').slice(1), counts: { failed: 0 }, levels: [], conforms: true }),
  )
  const [read] = merged(place).columns[0]?.runs ?? []
  expect(read?.counts.skipped).toBe(1)
  expect(read?.levels[0]?.verdict).toBe('not reached')
})

test('names and reasons cannot add markup or obey a terminal', () => {
  const hostile = '<script>"&'
  const reason = '<img src=x onerror=alert(1)>\u001b[31m\u202e'
  const checks = checksOf('resource', { 'COV-04': { verdict: 'failed', reason } })
  const matrix = merged(results(run({ name: hostile, checks })))
  const page = matrixPage(matrix)
  expect(page).not.toMatch(/<script|<img|\u202e/)
  expect(page).toContain('&lt;script&gt;&quot;&amp;')
  expect(page).toContain('&lt;img src=x onerror=alert(1)&gt;\\x1b[31m\\x202e')
  expect(matrixText(matrix)).not.toMatch(/[^\n -~]/)
})

test.each([
  ['no JSON', '{'],
  ['no object', 'null'],
  ['another edition', run({ suite: { version: '9.9.9', edition: 'ffffffffffffffff' } })],
  ['no edition', run({ suite: undefined })],
  ['an unknown role', run({ role: '__proto__' })],
  ['a name with a control character', run({ name: 'a\u001b[2J' })],
  ['a name that turns its direction', run({ name: 'a\u202eb' })],
  ['a name that is too long', run({ name: 'a'.repeat(61) })],
  ['a name that is no text', run({ name: ['a'] })],
  ['no list of checks', run({ checks: { length: 1 } })],
  ['an unknown id', run({ checks: [...checksOf('resource'), { id: 'XXX-01', group: 'some', verdict: 'passed' }] })],
  ['an id of another role', run({ checks: [{ id: 'delegate.rotate', group: 'some', verdict: 'passed' }] })],
  ['an id that comes twice', run({ checks: [...checksOf('resource'), ...checksOf('resource').slice(0, 1)] })],
  ['more checks than cases', run({ checks: Array(5000).fill(checksOf('resource')[0]) })],
  ['an unknown verdict', run({ checks: checksOf('resource', { 'COV-04': { verdict: 'toString' } }) })],
  ['a reason that is no text', run({ checks: checksOf('resource', { 'COV-04': { reason: {} } }) })],
  ['a group that is no name', run({ checks: checksOf('resource', { 'COV-04': { group: '"><b>' } }) })],
])('results with %s are refused', (_, content) => {
  expect(merged(results(run({ name: 'One' }))).columns).toHaveLength(1)
  expect(() => merged(results(content))).toThrow(ConfigurationError)
})

test('two results of one participant cannot have one name', () => {
  const [one, two] = [results(run({ name: 'One' })), results(run({ name: 'One' }))]
  expect(merged(one, `Two=${two}`).columns).toHaveLength(2)
  expect(() => merged(one, two)).toThrow(/two results of the resource One/)
})

test('a name, a path and both may have = in them', () => {
  const one = results(run({ name: 'One' }))
  const odd = join(folder, 'a=b')
  mkdirSync(odd)
  writeFileSync(join(odd, 'checks.json'), JSON.stringify(run({ name: 'Two' })))
  expect(merged(`x=y=${one}`, odd, `z=${odd}`).columns.map(({ name }) => name)).toEqual(['x=y', 'Two', 'z'])
})

test('a file that is missing, and one that is too long, are refused', () => {
  expect(() => merged(join(folder, 'nothing'))).toThrow(/cannot read/)
  const place = results('x'.repeat(64 * 1024 * 1024 + 1))
  expect(() => merged(place)).toThrow(/has more than 67108864 bytes/)
})
