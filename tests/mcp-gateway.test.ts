import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { agentTransport } from '@countersign/mcp-sdk1/client'
import { freePort } from '@countersign/testing/ports'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { LoggingMessageNotificationSchema } from '@modelcontextprotocol/sdk/types.js'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startEverything } from './everything.fixture.js'
import { type Stand, stand } from './processes.fixture.js'
import { siteAgent } from './site-agent.fixture.js'

// A server of MCP's authors, without AAuth, behind a gateway with a rule for each tool.

let place: Stand
let api: string
let auth: string
let agent: Awaited<ReturnType<typeof siteAgent>>
let other: Awaited<ReturnType<typeof siteAgent>>

beforeAll(async () => {
  place = stand()
  const [gatewayPort, authPort] = [await freePort(), await freePort()]
  api = `http://localhost:${gatewayPort}`
  auth = `http://localhost:${authPort}`
  const upstream = await startEverything(place)
  agent = await siteAgent({ acceptAuthServer: [auth] })
  other = await siteAgent({ acceptAuthServer: [auth] })
  const write = (name: string, settings: object): string => {
    const file = join(place.folder, `${name}.json`)
    writeFileSync(file, JSON.stringify({ development: true, data: join(place.folder, name), ...settings }))
    return file
  }
  const tools = {
    echo: { level: 'identified' },
    'get-sum': { scope: 'math.add' },
    'get-tiny-image': { scope: 'pictures.read' },
    'trigger-long-running-operation': { level: 'identified' },
    'toggle-simulated-logging': { level: 'identified' },
  }
  const routes = [{ path: '/mcp', level: 'identified', mcp: { tools } }]
  const scopes = { 'math.add': 'Add numbers', 'pictures.read': 'See pictures' }
  await place.start('gateway', [
    'gateway',
    '--config',
    write('gateway', { id: api, port: gatewayPort, upstream, authServer: auth, scopes, routes }),
  ])
  const { agent: id } = await agent.identify()
  await place.start('auth-server', [
    'auth-server',
    '--config',
    write('auth', { id: auth, port: authPort, grants: [{ agent: id, resource: api, scopes: ['math.add'] }] }),
  ])
  // In the second of their start they cannot tell earlier requests from replays.
  await new Promise(resolve => setTimeout(resolve, 1100))
}, 120_000)
afterAll(() => place.stop())

async function connected(by: typeof agent) {
  const client = new Client({ name: 'any', version: '1' })
  const logged: unknown[] = []
  client.setNotificationHandler(LoggingMessageNotificationSchema, ({ params }) => void logged.push(params.data))
  const transport = agentTransport(`${api}/mcp`, by)
  await client.connect(transport as Parameters<Client['connect']>[0])
  const call = (name: string, args: Record<string, unknown> = {}): Promise<unknown> =>
    client.callTool({ name, arguments: args }).then(
      ({ content }) => JSON.stringify(content),
      error => error.code,
    )
  return { client, transport, call, logged }
}

test('each tool for whom it is for, in one session, with notifications and progress on its streams', async () => {
  const { client, transport, call, logged } = await connected(agent)
  const { sessionId } = transport
  expect(sessionId).toBeDefined()
  expect(await call('echo', { message: 'hello' })).toContain('hello')
  expect(await call('get-sum', { a: 2, b: 40 })).toContain('42')
  // The user has not granted the first, and no rule names the second.
  expect([await call('get-tiny-image'), await call('get-env')]).toEqual([403, 403])
  expect(transport.sessionId).toBe(sessionId)
  expect((await client.listTools()).tools.map(({ name }) => name)).toContain('get-sum')
  const seen: number[] = []
  const onprogress = ({ progress }: { progress: number }): void => void seen.push(progress)
  const long = { name: 'trigger-long-running-operation', arguments: { duration: 0.3, steps: 3 } }
  await client.callTool(long, undefined, { onprogress })
  expect(seen).toEqual([1, 2, 3])
  // What belongs to no call comes on the stream of the session.
  await call('toggle-simulated-logging')
  await expect.poll(() => logged, { timeout: 10_000 }).toEqual([expect.stringContaining(String(sessionId))])
  const stranger = await other.fetch(`${api}/mcp`, {
    method: 'POST',
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'ping' }),
    headers: {
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      'mcp-session-id': String(sessionId),
      'mcp-protocol-version': '2025-11-25',
    },
  })
  expect(stranger.status).toBe(404)
  await client.ping()
  await transport.terminateSession()
  await client.close()
})

test('an agent without a grant gets no further than the challenge', async () => {
  const { client, call } = await connected(other)
  expect(await call('echo', { message: 'hello' })).toContain('hello')
  expect(await call('get-sum', { a: 2, b: 40 })).toBe(401)
  await client.close()
})
