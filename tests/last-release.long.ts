import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { buildPrevious, hasPrevious, previous } from './last-release.fixture.js'

test.skipIf(!hasPrevious())(
  `the previous version builds beside this one${hasPrevious() ? '' : ' (skipped: a shallow clone does not hold its commit)'}`,
  () => {
    const command = join(buildPrevious(), 'packages/cli/bin/countersign.js')
    const said = execFileSync(process.execPath, [command, '--version'], { encoding: 'utf8' })
    expect(said.trim()).toBe(previous.version)
  },
  600_000,
)
