import { execFile } from 'node:child_process'
import { readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'vitest'
import { requireChromium, when, why } from './chromium.fixture.js'
import { root } from './processes.fixture.js'

// The tests of httpsig once more, in Chromium: the package must run in browsers.

interface Report {
  readonly numPassedTests: number
  readonly numFailedTests: number
  readonly numFailedTestSuites: number
  readonly numTotalTests: number
}

/** A run of its own: the browser's runner cannot share a process with this one. */
function runInChromium(): Promise<{ code: number; output: string }> {
  const config = 'packages/httpsig/vitest.chromium.config.ts'
  const env = Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !/^VITEST|^COUNTERSIGN_GATE$/.test(name)),
  )
  return new Promise(resolve => {
    execFile(
      process.execPath,
      [join(root, 'node_modules/vitest/vitest.mjs'), 'run', '--config', config],
      { cwd: root, env, maxBuffer: 64 * 1024 * 1024 },
      (error, stdout, stderr) => resolve({ code: error === null ? 0 : 1, output: stdout + stderr }),
    )
  })
}

requireChromium()

when(`httpsig passes its tests in Chromium${why}`, async () => {
  const file = join(root, 'node_modules/.cache/countersign/chromium.json')
  rmSync(file, { force: true })
  const { code, output } = await runInChromium()
  expect(code, output).toBe(0)
  const report = JSON.parse(readFileSync(file, 'utf8')) as Report
  expect(report).toMatchObject({ numFailedTests: 0, numFailedTestSuites: 0 })
  // None of them is worth nothing.
  expect(report.numPassedTests).toBeGreaterThan(200)
})
