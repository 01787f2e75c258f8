import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { freePort } from '@countersign/testing/ports'
import { Client as NewClient } from '@modelcontextprotocol/client'
import { StdioClientTransport as NewStdioClientTransport } from '@modelcontextprotocol/client/stdio'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js'
import {
  CreateMessageRequestSchema,
  ElicitRequestSchema,
  ListRootsRequestSchema,
} from '@modelcontextprotocol/sdk/types.js'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { type Guarded, guardedEverything } from './everything.fixture.js'
import { countersign, run, type Stand, stand } from './processes.fixture.js'

// The main job, on parts that are not ours: the SDK's client, a server of the protocol's authors behind a gateway, and between
// them the command, which any client launches by one line of its configuration.

let place: Stand
let guarded: Guarded

beforeAll(async () => {
  place = stand()
  guarded = await guardedEverything(place)
})

afterAll(() => place.stop())

async function connected(args: readonly string[]): Promise<{ client: Client; said: () => string }> {
  const capabilities = { sampling: {}, elicitation: { form: {} }, roots: {} }
  const client = new Client({ name: 'any', version: '1' }, { capabilities })
  client.setRequestHandler(CreateMessageRequestSchema, ({ params }) => ({
    model: 'm',
    role: 'assistant',
    content: { type: 'text', text: `sampled ${params.messages.length}` },
  }))
  client.setRequestHandler(ElicitRequestSchema, () => ({ action: 'decline' }))
  client.setRequestHandler(ListRootsRequestSchema, () => ({ roots: [{ uri: 'file:///work', name: 'work' }] }))
  const transport = new StdioClientTransport({
    command: process.execPath,
    args: [countersign, 'mcp-bridge', guarded.url, ...args],
    stderr: 'pipe',
  })
  let said = ''
  transport.stderr?.on('data', chunk => (said += String(chunk)))
  await client.connect(transport)
  return { client, said: () => said }
}

async function textOf(client: Client, name: string, args: Record<string, unknown>): Promise<string> {
  return JSON.stringify((await client.callTool({ name, arguments: args })).content)
}

test('a client without AAuth uses a server that demands an identity', async () => {
  const { client, said } = await connected(guarded.flags)
  expect(client.getServerVersion()?.name).toBe('mcp-servers/everything')
  const names = (await client.listTools()).tools.map(({ name }) => name)
  expect(names).toEqual(expect.arrayContaining(['echo', 'get-sum', 'trigger-long-running-operation']))
  expect(await textOf(client, 'echo', { message: 'hello' })).toContain('hello')
  expect(await textOf(client, 'get-sum', { a: 2, b: 40 })).toContain('42')
  expect((await client.listResources()).resources.length).toBeGreaterThan(0)
  const seen: number[] = []
  const slow = { name: 'trigger-long-running-operation', arguments: { duration: 0.3, steps: 3 } }
  await client.callTool(slow, undefined, { onprogress: ({ progress }) => void seen.push(progress) })
  // The SDK's client overlooks progress that comes in one piece with the result.
  expect(seen.slice(0, 2)).toEqual([1, 2])
  expect(await textOf(client, 'trigger-sampling-request', { prompt: 'p', maxTokens: 5 })).toContain('sampled 1')
  expect(await textOf(client, 'trigger-elicitation-request', {})).toContain('declined')
  const stop = new AbortController()
  const long = { name: 'trigger-long-running-operation', arguments: { duration: 20, steps: 2 } }
  const cancelled = client.callTool(long, undefined, { signal: stop.signal })
  setTimeout(() => stop.abort('enough'), 50)
  await expect(cancelled).rejects.toThrow('enough')
  await client.ping()
  expect(said()).toBe('')
  const closing = Date.now()
  await client.close()
  // After two seconds the SDK ends it by a signal.
  expect(Date.now() - closing).toBeLessThan(1_900)
})

test('a client of revision 2026-07-28 uses the same server, which has sessions, and is asked during its calls', async () => {
  const client = new NewClient(
    { name: 'any', version: '1' },
    {
      capabilities: { sampling: {}, elicitation: { form: {} }, roots: {} },
      versionNegotiation: { mode: { pin: '2026-07-28' } },
    },
  )
  client.setRequestHandler('sampling/createMessage', ({ params }) => ({
    model: 'm',
    role: 'assistant',
    content: { type: 'text', text: `sampled ${params.messages.length}` },
  }))
  client.setRequestHandler('elicitation/create', () => ({ action: 'decline' }))
  client.setRequestHandler('roots/list', () => ({ roots: [{ uri: 'file:///work', name: 'work' }] }))
  await client.connect(
    new NewStdioClientTransport({
      command: process.execPath,
      args: [countersign, 'mcp-bridge', guarded.url, ...guarded.flags],
    }),
  )
  const say = async (name: string, args: Record<string, unknown>): Promise<string> =>
    JSON.stringify((await client.callTool({ name, arguments: args })).content)
  expect(client.getServerVersion()?.name).toBe('mcp-servers/everything')
  expect((await client.listTools()).tools.map(({ name }) => name)).toContain('echo')
  expect(await say('echo', { message: 'hello' })).toContain('hello')
  expect(await say('trigger-sampling-request', { prompt: 'p', maxTokens: 5 })).toContain('sampled 1')
  expect(await say('trigger-elicitation-request', {})).toContain('declined')
  const stop = new AbortController()
  const long = { name: 'trigger-long-running-operation', arguments: { duration: 20, steps: 2 } }
  const cancelled = client.callTool(long, { signal: stop.signal })
  setTimeout(() => stop.abort('enough'), 50)
  await expect(cancelled).rejects.toThrow('enough')
  expect(await say('get-sum', { a: 2, b: 40 })).toContain('42')
  await client.close()
})

test('with -v the steps are on standard error, and standard output is the protocol’s; the end of its input ends it', async () => {
  const child = spawn(process.execPath, [countersign, 'mcp-bridge', guarded.url, ...guarded.flags, '-v'])
  let [out, said] = ['', '']
  child.stdout.on('data', chunk => (out += String(chunk)))
  child.stderr.on('data', chunk => (said += String(chunk)))
  const clientInfo = { name: 'any', version: '1' }
  const messages = [
    { id: 1, method: 'initialize', params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo } },
    { method: 'notifications/initialized' },
    { id: 2, method: 'ping' },
  ]
  child.stdin.write(messages.map(message => `${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`).join(''))
  await expect.poll(() => out, { timeout: 20_000 }).toContain('"id":2')
  child.stdin.end()
  const code = await new Promise(resolve => child.once('close', resolve))
  expect(code).toBe(0)
  const lines = out
    .trim()
    .split('\n')
    .map(line => JSON.parse(line))
  expect(lines.map(({ id }) => id).filter(id => id !== undefined)).toEqual([1, 2])
  expect(said).toMatch(/^\* sign \(200\): POST \/mcp signed, saying who the agent is$/m)
  expect(said).toMatch(/^\* sign \(200\): DELETE \/mcp/m)
})

test('a refused identity, an unreachable server and a wrong argument get an error each', async () => {
  await expect(connected(['--as', 'pseudonym', '--development'])).rejects.toThrow(
    'asked who you are; identifyTo does not list it',
  )
  const nowhere = `http://localhost:${await freePort()}/mcp`
  const client = new Client({ name: 'any', version: '1' })
  const transport = new StdioClientTransport({
    command: process.execPath,
    args: [countersign, 'mcp-bridge', nowhere, '--development'],
    stderr: 'ignore',
  })
  await expect(client.connect(transport)).rejects.toThrow('could not be reached')
  expect(await run(['mcp-bridge', 'tools.example'])).toMatchObject({ code: 2, stdout: '' })
  expect(await run(['mcp-bridge', guarded.url, '--as', 'agent'])).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('--as agent needs --id'),
  })
})

test('a client that reads no more ends the bridge, and with it the session at the server', async () => {
  const seen: string[] = []
  // A server of revision 2025-11-25, as small as it can be.
  const server = createServer(async (request, response) => {
    const sent = await text(request)
    const { id, method } = sent === '' ? { id: undefined, method: undefined } : JSON.parse(sent)
    seen.push(`${request.method} ${method ?? request.headers['mcp-session-id']}`)
    if (request.method !== 'POST') return void response.writeHead(request.method === 'DELETE' ? 204 : 405).end()
    if (id === undefined) return void response.writeHead(202).end()
    const result =
      method === 'initialize'
        ? { protocolVersion: '2025-11-25', capabilities: { tools: {} }, serverInfo: { name: 'small', version: '1' } }
        : { tools: [] }
    if (method === 'tools/list') child.stdout.destroy()
    const headers = { 'content-type': 'application/json', 'mcp-session-id': 's1' }
    response.writeHead(200, headers).end(JSON.stringify({ jsonrpc: '2.0', id, result }))
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  const { port } = server.address() as AddressInfo
  const args = [countersign, 'mcp-bridge', `http://localhost:${port}/mcp`, '--as', 'anonymous', '--development']
  const child = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'] })
  const say = (message: object): void => void child.stdin.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`)
  const clientInfo = { name: 'any', version: '1' }
  say({ id: 1, method: 'initialize', params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo } })
  await once(child.stdout, 'data')
  say({ method: 'notifications/initialized' })
  say({ id: 2, method: 'tools/list' })
  const [code] = await once(child, 'exit')
  expect([code, seen.at(-1)]).toEqual([0, 'DELETE s1'])
})
