import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Clients, serveClients } from './mcp-official/client-scenarios.fixture.js'
import {
  expectedFailures,
  officialSuite,
  type Revision,
  runSuite,
  type Suite,
  scenariosOf,
} from './mcp-official/suite.fixture.js'

// The conformance suite of MCP's authors against a client whose requests go through an agent: signed where a guard asks for it,
// beside a token of OAuth where the server asks for that.

const found = officialSuite()
const suite = 'missing' in found ? undefined : found
const why = 'missing' in found ? ` (skipped: ${found.missing})` : ''
const revisions: readonly Revision[] = ['2025-11-25', '2026-07-28']

let clients: Clients
beforeAll(async () => {
  clients = await serveClients()
})
afterAll(() => clients.close())

for (const revision of revisions)
  test.skipIf(suite === undefined)(`for ${revision}, a client whose requests go through an agent${why}`, async () => {
    const there = suite as Suite
    // All scenarios run at once, and the machine may have other work.
    const args = ['--command', clients.command, '--requirements', revision, '--timeout', '120000']
    const { code, said, verdicts } = await runSuite(there, { leg: 'client', args })
    const summary = said.slice(said.indexOf('=== SUITE SUMMARY'))
    expect(code, [summary, ...clients.errors].join('\n')).toBe(0)
    const silent = scenariosOf(there, revision, 'client').filter(scenario => (verdicts[scenario] ?? []).length === 0)
    expect(silent).toEqual([])
  })

test('no more fails than was accepted, each for a reason', () => {
  const entries = readFileSync(expectedFailures, 'utf8')
    .split('\n')
    .filter(line => line.trim().startsWith('-'))
  expect(entries.filter(entry => !/ # \S/.test(entry))).toEqual([])
  // May only become smaller.
  expect(entries.length).toBeLessThanOrEqual(11)
})
