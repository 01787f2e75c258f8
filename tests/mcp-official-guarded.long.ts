import type { Running } from '@countersign/server'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { serveGuarded, serveInSessions } from './mcp-official/guarded.fixture.js'
import { type Listening, serveBare } from './mcp-official/serve.fixture.js'
import { officialServer } from './mcp-official/server.fixture.js'
import { officialSuite, type Report, type Revision, runSuite, type Suite } from './mcp-official/suite.fixture.js'

// The conformance suite of MCP's authors against the same server with our guards in front of it, which let everybody in.

const found = officialSuite()
const suite = 'missing' in found ? undefined : found
const why = 'missing' in found ? ` (skipped: ${found.missing})` : ''

let bare: Listening
let bareStateless: Listening
let guarded: Running
let inSessions: Running

beforeAll(async () => {
  bare = await serveBare(officialServer())
  bareStateless = await serveBare(officialServer(), 'stateless')
  guarded = await serveGuarded(officialServer())
  inSessions = await serveInSessions(officialServer())
})
afterAll(() => Promise.all([bare, bareStateless, guarded, inSessions].map(one => one.close())))

async function verdictsOf(revision: Revision, origin: string): Promise<Report['verdicts']> {
  const args = ['--url', `${origin}/mcp`, '--requirements', revision]
  const { verdicts } = await runSuite(suite as Suite, { leg: 'server', args })
  return verdicts
}

/** Verdicts of the server behind a guard that are known to differ: by scenario and check, what they are there. */
type Known = Readonly<Record<string, Readonly<Record<string, string>>>>

/** The verdicts of the server as it is, but for those that are known to differ. Each of these must differ. */
function expected(verdicts: Report['verdicts'], known: Known): Report['verdicts'] {
  return Object.fromEntries(
    Object.entries(verdicts).map(([scenario, said]) => {
      const others = Object.entries(known[scenario] ?? {}).map(([id, status]) => `${id}: ${status}`)
      expect(others.filter(other => said.includes(other))).toEqual([])
      return [scenario, said.map(one => others.find(other => idOf(other) === idOf(one)) ?? one)]
    }),
  )
}

function idOf(verdict: string): string {
  return verdict.slice(0, verdict.lastIndexOf(':'))
}

/** No caller goes on with a task that was not begun here. */
const nothingBegun: Known = {
  // A server without tasks says of both that it has no such method.
  'tasks-dispatch-and-envelope': {
    'sep-2663-tasks-result-removed-method-not-found': 'FAILURE',
    'sep-2663-tasks-get-invalid-task-id-32602': 'SUCCESS',
  },
}

test.skipIf(suite === undefined)(`the server passes for 2026-07-28 behind the guard${why}`, async () => {
  const itself = await verdictsOf('2026-07-28', bare.origin)
  expect(await verdictsOf('2026-07-28', guarded.url)).toEqual(expected(itself, nothingBegun))
})

test.skipIf(suite === undefined)(`each request passes by itself for 2025-11-25 behind the guard${why}`, async () => {
  const itself = await verdictsOf('2025-11-25', bareStateless.origin)
  expect(await verdictsOf('2025-11-25', guarded.url)).toEqual(itself)
})

test.skipIf(suite === undefined)(`sessions pass for 2025-11-25 behind the guard for these${why}`, async () => {
  const itself = await verdictsOf('2025-11-25', bare.origin)
  // How long a client waits before it resumes a stream is left to the client, whose waits become longer.
  const known = { 'server-sse-polling': { 'server-sse-retry-field': 'WARNING' } }
  expect(await verdictsOf('2025-11-25', inSessions.url)).toEqual(expected(itself, known))
})
