// `npm test`: installs what is missing, then types, lint and every test. `npm run test:all` adds the long tier.
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { build, install, root, run, step } from './install.mjs'

const long = process.argv.includes('--all')
/** Which third of what takes longest the long tier runs. That of the commit, unless one is named: a second run tries the same. */
const third = long ? (process.env.COUNTERSIGN_THIRD ?? thirdOfCommit()) : undefined
await install()
await build()
await step('checking style', process.execPath, [
  'node_modules/@biomejs/biome/bin/biome',
  'check',
  '--error-on-warnings',
  '.',
])
await run(process.execPath, ['node_modules/vitest/vitest.mjs', 'run'], {
  COUNTERSIGN_GATE: '1',
  ...(long ? { COUNTERSIGN_LONG: '1', COUNTERSIGN_THIRD: third } : {}),
})
const report = JSON.parse(readFileSync(`${root}/node_modules/.cache/countersign/tests.json`, 'utf8'))
if (['1', '2', '3'].includes(third))
  console.log(`Of what takes longest, third ${third} ran; COUNTERSIGN_THIRD=all runs everything.`)
const skipped = report.numPendingTests + report.numTodoTests
console.log(`Tests: ${report.numPassedTests} passed, ${report.numFailedTests} failed, ${skipped} skipped`)

/** Outside of a repository the first. */
function thirdOfCommit() {
  const { stdout } = spawnSync('git', ['rev-parse', 'HEAD'], { cwd: root, encoding: 'utf8' })
  return String((Number.parseInt(stdout?.slice(0, 8) || '0', 16) % 3) + 1)
}
