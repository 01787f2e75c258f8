import type { Running } from '@countersign/server'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { gatewayTo } from './mcp-official/gateway.fixture.js'
import { type Listening, serveBare } from './mcp-official/serve.fixture.js'
import { officialServer } from './mcp-official/server.fixture.js'
import {
  faultsIn,
  officialSuite,
  type Report,
  type Revision,
  requirementsOf,
  runSuite,
  type Suite,
} from './mcp-official/suite.fixture.js'

// The conformance suite of MCP's authors against a server of their SDK: whoever stands in front of it changes no verdict.

const found = officialSuite()
const suite = 'missing' in found ? undefined : found
const why = 'missing' in found ? ` (skipped: ${found.missing})` : ''
const revisions: readonly Revision[] = ['2025-11-25', '2026-07-28']

let bare: Listening
let behind: Running

beforeAll(async () => {
  bare = await serveBare(officialServer())
  behind = await gatewayTo(bare.origin, { path: '/mcp', level: 'anonymous' })
})
afterAll(async () => {
  await behind.close()
  await bare.close()
})

function reportOf(there: Suite, url: string, revision: Revision): Promise<Report> {
  return runSuite(there, { leg: 'server', args: ['--url', url, '--requirements', revision] })
}

for (const revision of revisions)
  test.skipIf(suite === undefined)(`for ${revision}, the server as it is and behind a gateway${why}`, async () => {
    const there = suite as Suite
    const itself = await reportOf(there, `${bare.origin}/mcp`, revision)
    const { server } = requirementsOf(there, revision)
    expect(server.length).toBeGreaterThan(25)
    expect(faultsIn(itself, server)).toEqual([])
    expect([itself.code, itself.said]).toEqual([0, expect.stringContaining('=== SUMMARY ===')])
    expect((await reportOf(there, `${behind.url}/mcp`, revision)).verdicts).toEqual(itself.verdicts)
  })
