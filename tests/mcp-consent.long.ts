import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { scriptedUser } from '@countersign/playground'
import { folderOfTest } from '@countersign/testing/folders'
import { freePort } from '@countersign/testing/ports'
import { Client as NewClient } from '@modelcontextprotocol/client'
import { StdioClientTransport as NewStdioClientTransport } from '@modelcontextprotocol/client/stdio'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { getDefaultEnvironment, StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js'
import {
  type ClientCapabilities,
  ElicitationCompleteNotificationSchema,
  type ElicitRequestParams,
  ElicitRequestSchema,
  type ElicitResult,
} from '@modelcontextprotocol/sdk/types.js'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { type McpServer, mcpServer } from './mcp-server.fixture.js'
import { countersign, run, type Stand, stand } from './processes.fixture.js'

// An MCP client without AAuth, and a server that asks its user during a session.

let place: Stand
let server: McpServer
let [home, auth, tools] = ['', '', '']
const clients: Client[] = []

beforeAll(async () => {
  place = stand()
  const ports = await Promise.all([1, 2, 3].map(() => freePort()))
  const [homePort, authPort] = ports
  ;[home, auth, tools] = ports.map(port => `http://localhost:${port}`) as [string, string, string]
  const { config } = place
  await Promise.all([
    place.start('agent-server', config('agent-server', { id: home, port: homePort, localhostCallback: true })),
    place.start(
      'auth-server',
      config('auth-server', {
        id: auth,
        port: authPort,
        deviceFlow: ['any'],
        demoUsers: [{ name: 'Ada' }],
        ask: [{ agents: 'any', resources: 'any' }],
      }),
    ),
  ])
  server = await mcpServer(tools, auth)
})

afterEach(async () => {
  for (const client of clients.splice(0)) await client.close()
})

afterAll(async () => {
  await server.close()
  await place.stop()
})

/** A delegate of its own, so that no consent is known yet. */
async function enrolled(name: string): Promise<string[]> {
  const { stdout } = await run(['agent-server', 'invite', '--config', join(place.folder, 'agent-server.json')])
  const state = ['--state', join(place.folder, name), '--development']
  const { stderr } = await run(['enroll', home, '--code', /[\w-]{20,}/.exec(stdout)?.[0] ?? '', ...state])
  expect(stderr).toBe('')
  return ['--as', 'delegate', '--id', home, '--auth-server', auth, ...state]
}

/** A client of the SDK that launches the bridge; `elicited` answers what its user is asked. */
async function launched(
  flags: readonly string[],
  elicited?: (params: ElicitRequestParams, signal: AbortSignal) => Promise<ElicitResult>,
  env: Readonly<Record<string, string>> = {},
): Promise<{ client: Client; said: () => string }> {
  const capabilities: ClientCapabilities = elicited === undefined ? {} : { elicitation: { url: {} } }
  const client = new Client({ name: 'any', version: '1' }, { capabilities })
  if (elicited !== undefined)
    client.setRequestHandler(ElicitRequestSchema, ({ params }, { signal }) => elicited(params, signal))
  const transport = new StdioClientTransport({
    command: process.execPath,
    args: [countersign, 'mcp-bridge', `${tools}/mcp`, ...flags],
    stderr: 'pipe',
    env: { ...getDefaultEnvironment(), ...env },
  })
  let said = ''
  transport.stderr?.on('data', chunk => (said += String(chunk)))
  await client.connect(transport)
  clients.push(client)
  return { client, said: () => said }
}

const done = { content: [{ type: 'text', text: 'done: pay' }] }

test('the client opens the page, the user agrees, the call goes on, and the session is the same', async () => {
  const asked: ElicitRequestParams[] = []
  let arrived: Promise<unknown> = Promise.resolve()
  const { client, said } = await launched(await enrolled('url'), async params => {
    asked.push(params)
    arrived = scriptedUser('Ada').decide('url' in params ? params.url : '', 'Allow')
    return { action: 'accept' }
  })
  const completed: string[] = []
  client.setNotificationHandler(
    ElicitationCompleteNotificationSchema,
    ({ params }) => void completed.push(params.elicitationId),
  )
  const before = [...server.sessions.keys()]
  expect((await client.listTools()).tools.map(({ name }) => name)).toEqual(['pay'])
  expect(await client.callTool({ name: 'pay' })).toEqual(done)
  expect(await arrived).toMatchObject({ choices: ['Call its tools'], ended: 'Allowed' })
  expect(await client.callTool({ name: 'pay' })).toEqual(done)
  expect([...server.sessions.keys()]).toEqual(before)
  expect(before).toHaveLength(1)
  expect(asked).toEqual([
    {
      mode: 'url',
      elicitationId: expect.any(String),
      url: expect.stringContaining(`${auth}/`),
      message: `${new URL(auth).host} asks you whether to allow access to ${new URL(tools).host}`,
    },
  ])
  await expect.poll(() => completed).toEqual([asked[0] && 'elicitationId' in asked[0] ? asked[0].elicitationId : ''])
  expect(said()).toBe('')
  await client.close()
  await expect.poll(() => server.sessions.size).toBe(0)
})

test('a client of revision 2026-07-28 opens the page while its call runs, and the call is made once', async () => {
  const asked: object[] = []
  const client = new NewClient(
    { name: 'any', version: '1' },
    { capabilities: { elicitation: { url: {} } }, versionNegotiation: { mode: { pin: '2026-07-28' } } },
  )
  client.setRequestHandler('elicitation/create', ({ params }) => {
    asked.push(params)
    void scriptedUser('Ada').decide('url' in params ? params.url : '', 'Allow')
    return { action: 'accept' }
  })
  const args = [countersign, 'mcp-bridge', `${tools}/mcp`, ...(await enrolled('new'))]
  await client.connect(new NewStdioClientTransport({ command: process.execPath, args }))
  const before = server.called.length
  expect((await client.callTool({ name: 'pay' })).content).toEqual(done.content)
  expect(server.called.slice(before)).toEqual(['pay'])
  expect(asked).toEqual([
    {
      mode: 'url',
      url: expect.stringContaining(`${auth}/`),
      message: `${new URL(auth).host} asks you whether to allow access to ${new URL(tools).host}`,
    },
  ])
  await client.close()
  await expect.poll(() => server.sessions.size).toBe(0)
})

/** A client of either revision; `elicited` tells where its user is sent to, and the client accepts. */
async function anyClient(
  revision: string,
  flags: readonly string[],
  elicited: (params: object) => void,
): Promise<{ pay: (signal?: AbortSignal) => Promise<unknown>; close: () => Promise<void> }> {
  if (revision === '2025-11-25') {
    const { client } = await launched(flags, async params => {
      elicited(params)
      return { action: 'accept' }
    })
    const pay = (signal?: AbortSignal) => client.callTool({ name: 'pay' }, undefined, signal && { signal })
    return { pay, close: async () => undefined }
  }
  const client = new NewClient(
    { name: 'any', version: '1' },
    { capabilities: { elicitation: { url: {} } }, versionNegotiation: { mode: { pin: revision } } },
  )
  client.setRequestHandler('elicitation/create', ({ params }) => {
    elicited(params)
    return { action: 'accept' }
  })
  const args = [countersign, 'mcp-bridge', `${tools}/mcp`, ...flags]
  await client.connect(new NewStdioClientTransport({ command: process.execPath, args }))
  const pay = (signal?: AbortSignal) => client.callTool({ name: 'pay' }, signal && { signal })
  return { pay, close: () => client.close() }
}

test.each([
  ['2025-11-25', 'link', 'Allow'],
  ['2025-11-25', 'link', 'Refuse'],
  ['2025-11-25', 'code', 'Allow'],
  ['2026-07-28', 'link', 'Allow'],
  ['2026-07-28', 'code', 'Allow'],
  ['2026-07-28', 'code', 'Refuse'],
] as const)(
  'a user who answers after the time limit of the client (%s, %s, %s): the next call goes on with it',
  async (revision, way, decision) => {
    const asked: Array<{ readonly url?: string; readonly message?: string }> = []
    const flags = [...(await enrolled(`late-${revision}-${way}-${decision}`)), ...(way === 'code' ? ['--device'] : [])]
    const { pay, close } = await anyClient(revision, flags, params => void asked.push(params))
    const before = server.called.length
    const limit = new AbortController()
    const call = pay(limit.signal)
    await expect.poll(() => asked.length, { timeout: 10_000 }).toBe(1)
    // The client goes on with its call before its time is up.
    await new Promise(resolve => setTimeout(resolve, 500))
    limit.abort('the time is up')
    await expect(call).rejects.toThrow('the time is up')
    const [{ url = '', message = '' } = {}] = asked
    const user = scriptedUser('Ada')
    if (way === 'link') {
      const { ended } = await user.decide(url, decision)
      expect(ended).toBe(decision === 'Allow' ? 'Allowed' : 'Refused')
    } else {
      await user.typeIn({ verification_uri: url, user_code: /type in (\S+)$/.exec(message)?.[1] ?? '' }, decision)
      // The bridge asks the auth server every five seconds.
      await new Promise(resolve => setTimeout(resolve, 6000))
    }
    expect(server.called).toHaveLength(before)
    if (decision === 'Allow') expect(await pay()).toMatchObject(done)
    else await expect(pay()).rejects.toThrow('the user said no')
    expect(asked).toHaveLength(1)
    expect(server.called).toHaveLength(before + (decision === 'Allow' ? 1 : 0))
    await close()
  },
)

test('a user who declines: the call fails and says so, and was not made', async () => {
  const { client } = await launched(await enrolled('declines'), async () => ({ action: 'decline' }))
  const before = server.called.length
  await expect(client.callTool({ name: 'pay' })).rejects.toThrow('the user declined to be asked')
  expect(server.called).toHaveLength(before)
  expect((await client.listTools()).tools).toHaveLength(1)
})

test('a call that is cancelled while its user is asked is never made, and the question is taken back', async () => {
  let takenBack = false
  const stop = new AbortController()
  const { client, said } = await launched(await enrolled('cancels'), async (_, signal) => {
    signal.addEventListener('abort', () => {
      takenBack = true
    })
    stop.abort('enough')
    return new Promise(() => undefined)
  })
  const before = server.called.length
  await expect(client.callTool({ name: 'pay' }, undefined, { signal: stop.signal })).rejects.toThrow('enough')
  await expect.poll(() => takenBack).toBe(true)
  await client.ping()
  expect(server.called).toHaveLength(before)
  expect(said()).toBe('')
})

/** A machine with a screen, whose browser notes the page that it is to open. */
function screen(): { env: Record<string, string>; opened: () => string } {
  const folder = folderOfTest()
  const page = join(folder, 'page')
  writeFileSync(join(folder, 'xdg-open'), `#!/bin/sh\nprintf %s "$1" > '${page}'\n`, { mode: 0o755 })
  const env = { DISPLAY: ':0', PATH: `${folder}:${process.env['PATH'] ?? ''}` }
  return { env, opened: () => (existsSync(page) ? readFileSync(page, 'utf8') : '') }
}

test('a client without elicitation by URL: a browser of the machine opens the page, and the call goes on', async () => {
  const { env, opened } = screen()
  const { client } = await launched(await enrolled('opens'), undefined, env)
  const result = client.callTool({ name: 'pay' })
  await expect.poll(opened, { timeout: 10_000 }).toMatch(/^http:\S+$/)
  await scriptedUser('Ada').decide(opened(), 'Allow')
  expect(await result).toEqual(done)
})

test.each([
  ['without a browser', [], undefined],
  ['with --no-browser', ['--no-browser'], screen],
] as const)(
  '%s, and without elicitation: the call fails at once with the link, and the next goes on',
  async (name, flags, machine) => {
    const { env, opened } = machine?.() ?? { env: {}, opened: () => '' }
    const { client } = await launched([...(await enrolled(name.replaceAll(' ', '-'))), ...flags], undefined, env)
    const before = server.called.length
    const failed = await client.callTool({ name: 'pay' }).catch((error: unknown) => error)
    expect(failed).toMatchObject({ code: -32603, data: { code: 'interaction_required', url: expect.any(String) } })
    const { url } = Object(failed).data as { readonly url: string }
    expect(String(failed)).toContain(url)
    expect(opened()).toBe('')
    expect(server.called).toHaveLength(before)
    await scriptedUser('Ada').decide(url, 'Allow')
    expect(await client.callTool({ name: 'pay' })).toEqual(done)
    expect(server.called).toHaveLength(before + 1)
  },
)

test('a code to type in: the client shows it', async () => {
  const { client } = await launched([...(await enrolled('code')), '--device'], async params => {
    const user_code = /type in (\S+)$/.exec(params.message)?.[1] ?? ''
    const verification_uri = 'url' in params ? params.url : ''
    expect(verification_uri).toBe(`${auth}/device`)
    await scriptedUser('Ada').typeIn({ verification_uri, user_code }, 'Allow')
    return { action: 'accept' }
  })
  expect(await client.callTool({ name: 'pay' })).toEqual(done)
})

test('a session that the server has forgotten is begun anew, and the call is made once', async () => {
  const { client } = await launched(await enrolled('forgets'), async params => {
    void scriptedUser('Ada').decide('url' in params ? params.url : '', 'Allow')
    return { action: 'accept' }
  })
  expect(await client.callTool({ name: 'pay' })).toEqual(done)
  const before = server.called.length
  server.sessions.clear()
  expect(await client.callTool({ name: 'pay' })).toEqual(done)
  expect([server.called.length - before, server.sessions.size]).toEqual([1, 1])
})
