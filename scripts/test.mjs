// `npm test`: installs what is missing, then types, lint and every test. `npm run test:all` adds the long tier.
import { readFileSync } from 'node:fs'
import { build, install, root, run, step } from './install.mjs'

const long = process.argv.includes('--all')
await install()
await build()
await step('checking style', process.execPath, [
  ...['node_modules/@biomejs/biome/bin/biome', 'check', '--error-on-warnings', '.'],
])
await run(process.execPath, ['node_modules/vitest/vitest.mjs', 'run'], {
  COUNTERSIGN_GATE: '1',
  ...(long ? { COUNTERSIGN_LONG: '1' } : {}),
})
const report = JSON.parse(readFileSync(`${root}/node_modules/.cache/countersign/tests.json`, 'utf8'))
const skipped = report.numPendingTests + report.numTodoTests
console.log(`Tests: ${report.numPassedTests} passed, ${report.numFailedTests} failed, ${skipped} skipped`)
