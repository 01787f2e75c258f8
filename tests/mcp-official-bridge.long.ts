import type { Running } from '@countersign/server'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { serveBridged } from './mcp-official/bridged.fixture.js'
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

beforeAll(async () => {
  bare = await serveBare(officialServer())
  gateway = await gatewayTo(bare.origin, { path: '/mcp', level: 'identified' })
  bridged = await serveBridged(`${gateway.url}/mcp`, await siteAgent())
})
afterAll(async () => {
  await bridged.close()
  await gateway.close()
  await bare.close()
})

/** Without what is about streams of HTTP: those that the suite sees are not the bridge's. */
function throughBridge({ verdicts }: Report): Report['verdicts'] {
  return Object.fromEntries(Object.entries(verdicts).filter(([scenario]) => scenario !== 'server-sse-polling'))
}

function reportOf(there: Suite, { origin }: Listening): Promise<Report> {
  return runSuite(there, { leg: 'server', args: ['--url', `${origin}/mcp`, '--requirements', '2025-11-25'] })
}

test.skipIf(suite === undefined)(`for 2025-11-25, the server through the bridge${why}`, async () => {
  const there = suite as Suite
  const through = await reportOf(there, bridged)
  expect(faultsIn(through, requirementsOf(there, '2025-11-25').server)).toEqual([])
  expect(through.code).toBe(0)
  expect(throughBridge(through)).toEqual(throughBridge(await reportOf(there, bare)))
})
