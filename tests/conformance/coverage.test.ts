import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { coveragePage, uncovered } from '../../scripts/conformance-coverage.mjs'
import { root } from '../processes.fixture.js'

/** Clauses for which a case is still to be written. This number may only become smaller. */
const mostUncovered = 0

test('the page of what the conformance suite covers is up to date', () => {
  // After a change: npm run build && node scripts/conformance-coverage.mjs
  expect(readFileSync(join(root, 'docs/conformance-coverage.md'), 'utf8')).toBe(coveragePage())
})

test('no clause that shows from outside is added without a case', () => {
  expect(uncovered.length).toBeLessThanOrEqual(mostUncovered)
})
