import { createGateway } from '@countersign/gateway'
import { generateSigningKey } from '@countersign/httpsig'
import { agentTransport } from '@countersign/mcp/client'
import { createResource } from '@countersign/resource'
import { type Running, serve } from '@countersign/server'
import { freePort } from '@countersign/testing/ports'
import { startedReplaySet } from '@countersign/testing/world/started-replay-set'
import { Client } from '@modelcontextprotocol/client'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Listening, serveBare } from './mcp-official/serve.fixture.js'
import { officialServer } from './mcp-official/server.fixture.js'
import { siteAgent } from './site-agent.fixture.js'

// A server of the MCP SDK 2, which knows nothing of AAuth, behind a gateway with rules for some of its tools.

let server: Listening
let gateway: Running

beforeAll(async () => {
  server = await serveBare(officialServer())
  const port = await freePort()
  const id = `http://localhost:${port}`
  const keys = [{ kid: 'r1', key: await generateSigningKey() }]
  const settings = { id, keys, authServers: ['http://localhost:1'], replay: startedReplaySet(), development: true }
  const resource = createResource({
    ...settings,
    scopes: { 'sounds.play': 'Play sounds' },
  })
  const [anonymous, identified] = [{ level: 'anonymous' }, { level: 'identified' }] as const
  const tools = { test_simple_text: identified, test_audio_content: { scope: 'sounds.play' }, '*': anonymous } as const
  const routes = [{ path: '/mcp', requirement: anonymous, mcp: { tools } }]
  gateway = await serve({
    name: 'gateway',
    id,
    port,
    participant: createGateway({ resource, upstream: server.origin, routes }),
    development: true,
    signals: false,
    announce: () => undefined,
    level: 'silent',
  })
})
afterAll(async () => {
  await gateway.close()
  await server.close()
})

/** Calls tools as a client of revision 2026-07-28 whose requests take this way. */
async function calling(by: { fetch: typeof fetch }, ...names: readonly string[]): Promise<unknown[]> {
  const client = new Client({ name: 'any', version: '1' }, { versionNegotiation: { mode: { pin: '2026-07-28' } } })
  await client.connect(agentTransport(`${gateway.url}/mcp`, by))
  const outcomes: unknown[] = []
  for (const name of names)
    outcomes.push(
      await client.callTool({ name }).then(
        ({ content }) => content[0]?.type,
        error => error.status ?? error,
      ),
    )
  await client.close()
  return outcomes
}

const tools = ['test_image_content', 'test_simple_text', 'test_audio_content']

test('each tool for whom it is for, request by request', async () => {
  // Those without a rule of their own pass once the server has said that it has those with one.
  expect(await calling({ fetch }, ...tools)).toEqual(['image', 401, 401])
  expect(await calling(await siteAgent(), ...tools)).toEqual(['image', 'text', 401])
})
