import { type Agent, agentServer, callbackRoute, createAgent } from '@countersign/agent'
import { createAgentServer } from '@countersign/agent-server'
import { askUsers } from '@countersign/auth-server'
import { generateSigningKey } from '@countersign/httpsig'
import { callerOf, guardMcp } from '@countersign/mcp'
import type { ScriptedUser } from '@countersign/playground'
import { verifies } from '@countersign/requirements'
import { createResource, display } from '@countersign/resource'
import { demoUsers, userDesk } from '@countersign/user-desk'
import {
  Client,
  type ClientCapabilities,
  type ElicitRequest,
  StreamableHTTPClientTransport,
} from '@modelcontextprotocol/client'
import { McpServer } from '@modelcontextprotocol/server'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { browserOf, domains, origins, urlOf } from './domains.fixture.js'

// An MCP server books rooms in another trust domain, whose auth server asks the caller's user. The client passes the question on.

const place = domains()
let [app, one, two, tools, rooms] = ['', '', '', '', '']
let agent: Agent
let ada: ScriptedUser
const open: Client[] = []
/** What the client's user was asked, and what they do about it. */
let asked: string[] = []
let booked = 0
let answer: (url: string) => Promise<'accept' | 'decline'>

beforeAll(async () => {
  ;[app, one, two, tools, rooms] = (await origins(5)) as [string, string, string, string, string]
  const redirectUri = `${app}/callback`
  const development = true
  const server = await createAgentServer({ id: app, redirectUris: [redirectUri], development })
  const path = { upstream: one, middle: tools, downstream: rooms, upstreamScopes: ['events.write'] }
  const resource = createResource({
    id: tools,
    authServers: [one],
    scopes: { 'events.write': 'Add events' },
    development,
    keys: [{ kid: 'r1', key: await generateSigningKey() }],
    downstream: { acceptAuthServer: [two] },
  })
  await Promise.all([
    place.open('agent-server', app, server),
    place.authServer(one, {
      desk: userDesk({ login: [demoUsers([{ name: 'Ada Lovelace' }])] }),
      policy: askUsers([
        { agents: 'any', resources: [tools] },
        { agents: [two], resources: ['self'], scopes: ['openid'] },
      ]),
    }),
    place.authServer(two, {
      desk: userDesk({ login: [demoUsers([{ name: 'Ada' }])] }),
      exchange: { rules: [{ ...path, scopes: ['rooms.book'], decision: 'consent' }] },
    }),
    place.open('tools', tools, guardMcp(booking, resource, { tools: { '*': { scope: 'events.write' } } })),
    place.resource(
      {
        id: rooms,
        authServers: [two],
        scopes: { 'rooms.book': 'Book rooms in your name' },
        operations: { book: 'Book a room' },
      },
      {
        scope: 'rooms.book',
        operation: 'book',
        approve: true,
        describe: request => display`Book room ${(request.json() as { room: string }).room}`,
      },
      async () => Response.json({ booked: ++booked }),
    ),
  ])
  agent = createAgent({
    identity: agentServer({ id: app, key: server.signingKey }),
    acceptAuthServer: [one],
    identifyTo: [tools],
    interact: callbackRoute({ redirectUri }),
    development,
  })
  ada = browserOf(agent, redirectUri)
  const { client } = await connected({})
  await ada.follow(await urlOf(client.callTool({ name: 'echo' }) as never), ['Ada Lovelace', 'Allow'])
})

afterAll(async () => {
  for (const client of open) await client.close()
  await place.close()
})

beforeEach(() => {
  asked = []
})

function booking(): McpServer {
  const server = new McpServer({ name: 'booking', version: '1' })
  server.registerTool('echo', {}, async () => ({ content: [{ type: 'text', text: 'here' }] }))
  server.registerTool('book', {}, async ctx => {
    const body = JSON.stringify({ room: '5' })
    const headers = { 'content-type': 'application/json' }
    const response = await callerOf(ctx).fetch(`${rooms}/bookings`, { method: 'POST', body, headers })
    return { content: [{ type: 'text', text: await response.text() }] }
  })
  return server
}

async function connected(capabilities: ClientCapabilities): Promise<{ client: Client }> {
  const client = new Client(
    { name: 'client', version: '1' },
    { capabilities, versionNegotiation: { mode: { pin: '2026-07-28' } } },
  )
  if (capabilities.elicitation !== undefined)
    client.setRequestHandler('elicitation/create', async ({ params }: ElicitRequest) => {
      if (!('url' in params)) return { action: 'cancel' }
      asked.push(`${params.message}: ${new URL(params.url).origin}`)
      return { action: await answer(params.url) }
    })
  await client.connect(
    new StreamableHTTPClientTransport(new URL(`${tools}/mcp`), { fetch: (url, init) => agent.fetch(url, init) }),
  )
  open.push(client)
  return { client }
}

const url = { elicitation: { url: {} } }
const book = { name: 'book', arguments: {} }
const textOf = (result: unknown): unknown => Object(result).content?.[0]?.text
/** Presses a button on the page of each question. */
const pressing =
  (...pages: ReadonlyArray<readonly string[]>) =>
  async (link: string) => {
    const { headings } = await ada.follow(link, pages[asked.length - 1] ?? [])
    ends.push(headings.at(-1) ?? '')
    return 'accept' as const
  }
const ends: string[] = []

test(verifies(
  'mcp.asks-by-input',
  'each question becomes a request for input, and the call goes on once the user has answered',
), async () => {
  const { client } = await connected(url)
  answer = pressing(['Ada', 'Allow', 'Connect', 'Allow'], ['Approve once'])
  expect(textOf(await client.callTool(book))).toBe('{"booked":1}')
  const host = tools.slice('http://'.length)
  expect(asked).toEqual(Array(2).fill(`${host} has a question for you: ${tools}`))
  expect(ends.splice(0)).toEqual(['Done', 'Done'])
}, 30_000)

test('a client that says at once that its user has gone there waits for the answer', async () => {
  const { client } = await connected(url)
  let press: Promise<unknown> = Promise.resolve()
  answer = async link => {
    press = new Promise(resolve => setTimeout(resolve, 1000)).then(() => ada.follow(link, ['Approve once']))
    return 'accept'
  }
  expect(textOf(await client.callTool(book))).toBe('{"booked":2}')
  await press
  expect(asked).toHaveLength(1)
}, 30_000)

test('a user who refuses is heard, and nothing is booked', async () => {
  const { client } = await connected(url)
  answer = pressing(['No'])
  const refusal = { code: -32_000, data: { error: 'access_denied', reason: 'user_refused' } }
  await expect(client.callTool(book)).rejects.toMatchObject({
    ...refusal,
    message: expect.stringContaining('has refused'),
  })
  expect(ends.splice(0)).toEqual(['Nothing was allowed'])
  answer = async () => 'decline'
  await expect(client.callTool(book)).rejects.toMatchObject({
    ...refusal,
    message: expect.stringContaining('declined'),
  })
  expect(booked).toBe(2)
}, 30_000)

test(verifies('mcp.bubbles-up', 'a client that cannot ask gets the challenge, which its agent follows'), async () => {
  const { client } = await connected({})
  const link = await urlOf(client.callTool(book) as never)
  expect(link.startsWith(`${tools}/`)).toBe(true)
  const { url: ended } = await ada.follow(link, ['Approve once'])
  expect(ended.startsWith(`${app}/callback?`)).toBe(true)
  expect(textOf(await client.callTool(book))).toBe('{"booked":3}')
}, 30_000)

test('a link of a question takes its user nowhere else, and one to the app is no question', async () => {
  const { client } = await connected(url)
  const links: string[] = []
  answer = async link => {
    links.push(link)
    return 'decline'
  }
  await client.callTool(book).catch(() => undefined)
  const page = await fetch(`${links[0]}&return_url=${encodeURIComponent(`${app}/callback`)}&state=s`, {
    redirect: 'manual',
  })
  expect([page.status, (await page.text()).includes('link_changed')]).toEqual([400, true])
})
