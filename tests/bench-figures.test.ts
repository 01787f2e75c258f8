import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { type Figures, isMissed, pagesWithFigures, withFigures, withRun } from '../bench/figures.js'
import { benchNames, readPages } from './pages.fixture.js'
import { root } from './processes.fixture.js'

// The figures of the benches stand in one file, and the pages take them from there: `npm run bench -- NAME --write`.

const figures = JSON.parse(readFileSync(join(root, 'bench/figures.json'), 'utf8')) as Figures
const pageOf = (file: string): string => readFileSync(join(root, file), 'utf8')

test.each(pagesWithFigures)('the figures of %s are those of the file', file => {
  expect(pageOf(file)).toContain('<!-- figures: ')
  expect(withFigures(pageOf(file), figures)).toBe(pageOf(file))
})

test('no other page has such a place', () => {
  const pages = readPages().filter(({ text }) => /<!-- figures: [^>]+ -->[^<]*<!-- end -->/.test(text))
  expect(new Set(pages.map(({ file }) => file))).toEqual(new Set(pagesWithFigures))
})

test('every bench that runs by itself has its figures, with when and where, and no other name stands there', () => {
  // `scaling` has a file of its own; `mcp-memory` and `soak` compare a run with itself.
  const elsewhere = ['scaling', 'mcp-memory', 'soak']
  const benches = benchNames()
  expect(new Set(Object.keys(figures))).toEqual(new Set(benches.filter(name => !elsewhere.includes(name))))
  for (const [name, { on, runtime, machine, rows }] of Object.entries(figures)) {
    expect([on, runtime, machine].join('; '), name).toMatch(/^20\d\d-\d\d(?:-\d\d)?; Node \d+\S*; 2 .+$/)
    expect(rows.length, name).toBeGreaterThan(0)
  }
})

describe('a page', () => {
  const run = { on: '2026-12-01', runtime: 'Node 26', machine: '2 processors, load 0' }
  const row = { id: 'a call', inFlight: 16, ok: false, detail: '× another; 5 µs here' }
  const made = withRun({}, 'calls', run, [{ ...row, ratio: 1.1, budget: 1 }])

  test('says what misses its budget where the figure stands, and in the table', () => {
    const page = (ratio: number): string =>
      withFigures(
        '<!-- figures: missed -->?<!-- end --> <!-- figures: ratio calls/a call/16 -->?<!-- end -->\n<!-- figures: budgets -->\n<!-- end -->',
        withRun(made, 'calls', run, [{ ...row, ratio, budget: 1 }]),
      )
    expect(page(1.1)).toContain('over a budget are `calls`')
    expect(page(1.1)).toContain('1.10 (budget 1.00, missed)')
    expect(page(1.1)).toContain('| calls | a call | 16 | 1.10 | 1.00 | **missed** | × another |')
    expect(page(0.9)).toContain('every bench meets its budgets')
    expect(page(0.9)).toContain('0.90 (budget 1.00)')
    expect(page(0.9)).toContain('| 0.90 | 1.00 | met |')
  })

  test('keeps the other benches, and names no figure that is not there', () => {
    expect(Object.keys(withRun(made, 'more', run, []))).toEqual(['calls', 'more'])
    expect(() => withFigures('<!-- figures: ratio calls/no call/16 --><!-- end -->', made)).toThrow(RangeError)
    expect(isMissed({ id: 'a', inFlight: 1, ratio: 1, unit: '' })).toBe(false)
  })
})
