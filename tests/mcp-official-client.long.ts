import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import {
  expectedFailures,
  officialSuite,
  type Revision,
  runSuite,
  type Suite,
  scenariosOf,
} from './mcp-official/suite.fixture.js'
import { root } from './processes.fixture.js'

// The conformance suite of MCP's authors against a client whose requests go through an agent: signed where a guard asks for it,
// beside a token of OAuth where the server asks for that. The suite's own client is a process, so this needs a build.

const found = officialSuite()
const suite = 'missing' in found ? undefined : found
const why = 'missing' in found ? ` (skipped: ${found.missing})` : ''
const revisions: readonly Revision[] = ['2025-11-25', '2026-07-28']

const client = [process.execPath, join(root, 'tests/dist/mcp-official/client.fixture.js')].join(' ')

/** Runs at once: with all of them, two processors would not keep the deadlines that the scenarios have. */
const atOnce = 3

/** Those scenarios of which the suite says that something fails, or that an expected failure does not. */
async function failing(there: Suite, revision: Revision): Promise<string[]> {
  const left = scenariosOf(there, revision, 'client')
  const failed: string[] = []
  const next = async (): Promise<void> => {
    for (let scenario = left.pop(); scenario !== undefined; scenario = left.pop()) {
      // By force: those of extensions belong to no revision.
      const args = ['--command', client, '--scenario', scenario, '--spec-version', revision, '--force']
      const { code, said, verdicts } = await runSuite(there, { leg: 'client', args })
      if (code !== 0 || Object.values(verdicts).flat().length === 0) failed.push(`${scenario}: ${said.slice(-2000)}`)
    }
  }
  await Promise.all(Array.from({ length: atOnce }, next))
  return failed
}

for (const revision of revisions)
  test.skipIf(suite === undefined)(`for ${revision}, a client whose requests go through an agent${why}`, async () => {
    const there = suite as Suite
    expect(scenariosOf(there, revision, 'client').length).toBeGreaterThan(20)
    expect(await failing(there, revision)).toEqual([])
  })

test('no more fails than was accepted, each for a reason', () => {
  const entries = readFileSync(expectedFailures, 'utf8')
    .split('\n')
    .filter(line => line.trim().startsWith('-'))
  expect(entries.filter(entry => !/ # \S/.test(entry))).toEqual([])
  // May only become smaller.
  expect(entries.length).toBeLessThanOrEqual(11)
})
