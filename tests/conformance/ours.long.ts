import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type ReportJson, resultsPage } from '../../scripts/conformance-results.mjs'
import { root, run, type Stand, stand } from '../processes.fixture.js'
import { type Checks, decidedIn, judgedOtherwise } from './judged.fixture.js'
import { type Judged, judgeOurs, ours } from './ours.fixture.js'

// All of ours, judged by the whole suite, in one matrix.

const places: readonly Stand[] = ours.map(stand)
afterAll(() => Promise.all(places.map(place => place.stop())))

const judged: Judged[] = []

/** Most that are judged at once: a slow case waits for half a minute. */
const most = 3

beforeAll(async () => {
  // Agents and auth servers are last in the list and take longest.
  const waiting = [...ours.entries()].reverse().values()
  const judgeNext = async (): Promise<void> => {
    for (const [at, one] of waiting) judged[at] = await judgeOurs(one, places[at] as Stand)
  }
  await Promise.all(Array.from({ length: most }, judgeNext))
}, 2_400_000)

test.each(ours.map((one, at) => ({ name: one.name, at })))('the package $name conforms', ({ at }) => {
  const { code, said } = judged[at] as Judged
  expect(code, said).toBe(0)
})

const judgedTwice = ours.flatMap(({ name, again }, at) => (again === undefined ? [] : [{ name, at }]))

test.each(judgedTwice)('two runs with one seed give the same verdicts: $name', ({ at }) => {
  const { first, again } = judged[at] as Judged
  expect(decidedIn(again as Checks).length).toBeGreaterThan(5)
  expect(judgedOtherwise(first, again as Checks)).toEqual([])
})

test('the page of the results is up to date', async () => {
  // After a change: npm run build && node scripts/conformance-results.mjs
  const { code, stdout } = await run(['conformance', 'report', '--json', ...judged.map(({ folder }) => folder)])
  expect(code).toBe(0)
  const report: ReportJson = JSON.parse(stdout)
  expect(report.implementations).toHaveLength(ours.length)
  const notes = new Map(ours.flatMap(({ name, expected }) => (expected === undefined ? [] : [[name, expected.why]])))
  await expect(resultsPage(report, notes)).toMatchFileSnapshot(join(root, 'docs/conformance-results.md'))
})
