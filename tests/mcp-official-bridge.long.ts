import type { Running } from '@countersign/server'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { serveBridged, serveBridgedStateless } from './mcp-official/bridged.fixture.js'
import { gatewayTo } from './mcp-official/gateway.fixture.js'
import { type Listening, serveBare } from './mcp-official/serve.fixture.js'
import { officialServer } from './mcp-official/server.fixture.js'
import {
  faultsIn,
  officialSuite,
  type Report,
  requirementsOf,
  runSuite,
  type Suite,
} from './mcp-official/suite.fixture.js'
import { siteAgent } from './site-agent.fixture.js'

// The conformance suite of MCP's authors through the bridge, which signs for a gateway that wants an identity.

const found = officialSuite()
const suite = 'missing' in found ? undefined : found
const why = 'missing' in found ? ` (skipped: ${found.missing})` : ''

let bare: Listening
let gateway: Running
let bridged: Listening
let stateless: Listening

beforeAll(async () => {
  bare = await serveBare(officialServer())
  gateway = await gatewayTo(bare.origin, { path: '/mcp', level: 'identified' })
  bridged = await serveBridged(`${gateway.url}/mcp`, await siteAgent())
  stateless = await serveBridgedStateless(`${gateway.url}/mcp`, await siteAgent())
})
afterAll(async () => {
  await bridged.close()
  await stateless.close()
  await gateway.close()
  await bare.close()
})

/** Without what is about streams of HTTP: those that the suite sees are not the bridge's. */
function throughBridge({ verdicts }: Report): Report['verdicts'] {
  return Object.fromEntries(Object.entries(verdicts).filter(([scenario]) => scenario !== 'server-sse-polling'))
}

/**
 * Without what is about the headers and the status of HTTP: a client that starts a program sends none, and a message without an
 * envelope is one of an old client.
 */
const ofHeaders =
  /^(?:sep-2243-|sep-2575-request-meta-invalid-missing-(?:meta|protocol)|sep-2575-http-server-(?:meta-invalid|header-mismatch)-|server-sse-|server-accepts-multiple-|tasks-headers-|sep-2663-(?:routing-headers|server-rejects-mismatched)-)/

function withoutHeaders({ verdicts }: Report): Report['verdicts'] {
  return Object.fromEntries(
    Object.entries(verdicts).map(([scenario, said]) => [scenario, said.filter(one => !ofHeaders.test(one))]),
  )
}

function reportOf(there: Suite, { origin }: Listening): Promise<Report> {
  return runSuite(there, { leg: 'server', args: ['--url', `${origin}/mcp`, '--requirements', '2025-11-25'] })
}

test.skipIf(suite === undefined)(`the server passes for 2025-11-25 through the bridge${why}`, async () => {
  const there = suite as Suite
  const through = await reportOf(there, bridged)
  expect(faultsIn(through, requirementsOf(there, '2025-11-25').server)).toEqual([])
  expect(through.code).toBe(0)
  expect(throughBridge(through)).toEqual(throughBridge(await reportOf(there, bare)))
})

test.skipIf(suite === undefined)(`the server passes for 2026-07-28 through the bridge${why}`, async () => {
  const there = suite as Suite
  const args = (at: Listening) => ['--url', `${at.origin}/mcp`, '--requirements', '2026-07-28']
  const through = await runSuite(there, { leg: 'server', args: args(stateless) })
  const itself = await runSuite(there, { leg: 'server', args: args(bare) })
  expect(withoutHeaders(through)).toEqual(withoutHeaders(itself))
})
