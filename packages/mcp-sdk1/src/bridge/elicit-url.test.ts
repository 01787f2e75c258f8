import type { Visit } from '@countersign/agent'
import { elicitCode, elicitUrl } from '@countersign/mcp/internal/client'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { InMemoryTransport } from '@modelcontextprotocol/sdk/inMemory.js'
import { Server } from '@modelcontextprotocol/sdk/server/index.js'
import {
  type ClientCapabilities,
  ElicitationCompleteNotificationSchema,
  ElicitRequestSchema,
  type ElicitResult,
} from '@modelcontextprotocol/sdk/types.js'
import { expect, test } from 'vitest'
import { bridged } from './bridge.test.fixture.js'

// An MCP server that is itself an agent, and asks the user of its client.

const url = 'https://auth.example/consent?request_token=r'
const visit = (ended = new AbortController().signal): Visit => ({
  issuer: 'https://auth.example',
  resource: 'https://calendar.example',
  scope: 'events.read',
  ended,
})

async function served(
  answer: (params: object, signal: AbortSignal) => ElicitResult | Promise<ElicitResult>,
  capabilities: ClientCapabilities = { elicitation: { url: {} } },
): Promise<{ server: Server; client: Client; completed: string[] }> {
  const [near, far] = InMemoryTransport.createLinkedPair()
  const client = new Client({ name: 'client', version: '1' }, { capabilities })
  const server = new Server({ name: 'server', version: '1' }, { capabilities: {} })
  const completed: string[] = []
  if (capabilities.elicitation !== undefined)
    client.setRequestHandler(ElicitRequestSchema, ({ params }, { signal }) => answer(params, signal))
  client.setNotificationHandler(ElicitationCompleteNotificationSchema, ({ params }) => {
    completed.push(params.elicitationId)
  })
  await Promise.all([server.connect(far), client.connect(near)])
  return { server, client, completed }
}

test('the client gets the URL and the hosts, and is told when the user is done', async () => {
  const asked: object[] = []
  const { server, completed } = await served(params => {
    asked.push(params)
    return { action: 'accept' }
  })
  const over = new AbortController()
  await elicitUrl({ client: server })(url, visit(over.signal))
  const elicitationId = (asked[0] as { readonly elicitationId: string }).elicitationId
  expect(asked).toEqual([
    {
      mode: 'url',
      url,
      elicitationId: expect.stringMatching(/^[\w-]{43}$/),
      message: 'auth.example asks you whether to allow access to calendar.example',
    },
  ])
  expect(completed).toEqual([])
  over.abort()
  await expect.poll(() => completed).toEqual([elicitationId])
})

test('a resource that asks its user itself is the only host in the message', async () => {
  const asked: object[] = []
  const { server } = await served(params => {
    asked.push(params)
    return { action: 'accept' }
  })
  await elicitUrl({ client: server })(url, { ...visit(), issuer: 'https://calendar.example', scope: '' })
  expect(asked).toMatchObject([{ message: 'calendar.example has a question for you' }])
})

test('the approval of one call is asked for as such, without a value of the call', async () => {
  const asked: object[] = []
  const { server } = await served(params => {
    asked.push(params)
    return { action: 'accept' }
  })
  const operation = { name: 'send', display: ['Send ', 'a virus', ' to ', 'bob'] }
  await elicitUrl({ client: server })(url, { ...visit(), operation })
  const code = { verification_uri: 'https://auth.example/device', user_code: 'BCDF-GHJK', expires_in: 600 }
  const { ended, ...about } = visit()
  await elicitCode({ client: server, otherwise: () => expect.unreachable() })({ ...code, ...about, operation })
  expect(asked).toMatchObject([
    { message: 'auth.example asks you whether to approve one call to calendar.example' },
    {
      message:
        'auth.example asks you whether to approve one call to calendar.example; on any device, type in BCDF-GHJK',
    },
  ])
})

test.each([
  ['decline', 'the user declined to be asked'],
  ['cancel', 'the user dismissed the question'],
] as const)('a user who answers %s ends the call', async (action, message) => {
  const { server } = await served(() => ({ action }))
  await expect(elicitUrl({ client: server })(url, visit())).rejects.toMatchObject({ code: 'denied', message })
})

test('a question that has ended is withdrawn without an error', async () => {
  let takenBack = false
  const over = new AbortController()
  const { server } = await served(
    (_, signal) =>
      new Promise(() => {
        signal.addEventListener('abort', () => {
          takenBack = true
        })
        over.abort()
      }),
  )
  // The SDK's client overlooks that a request with the id 0 is cancelled.
  await server.ping()
  await elicitUrl({ client: server, otherwise: () => expect.unreachable() })(url, visit(over.signal))
  await expect.poll(() => takenBack).toBe(true)
})

test('for a client that cannot ask, the other way is used, or the call fails', async () => {
  const opened: string[] = []
  const otherwise = (link: string): void => void opened.push(link)
  const without = await served(() => ({ action: 'accept' }), { elicitation: { form: {} } })
  await elicitUrl({ client: without.server, otherwise })(url, visit())
  const broken = await served(() => {
    throw new Error('no window')
  })
  await elicitUrl({ client: broken.server, otherwise })(url, visit())
  await elicitUrl({ client: () => undefined, otherwise })(url, visit())
  expect(opened).toEqual([url, url, url])
  await expect(elicitUrl({ client: without.server })(url, visit())).rejects.toMatchObject({
    code: 'interaction_required',
    url: undefined,
  })
})

test('when a client disconnects while it asks, no browser opens: its user has quit', async () => {
  const otherwise = (): void => expect.unreachable()
  const code = {
    verification_uri: 'https://auth.example/device',
    user_code: 'BCDF-GHJK',
    expires_in: 600,
    issuer: 'https://auth.example',
    resource: 'https://calendar.example',
    scope: 'events.read',
  }
  const gone = { code: 'interaction_required', message: 'the MCP client disconnected before its user answered' }
  const leaving = await served(async () => {
    await leaving.client.close()
    return { action: 'accept' }
  })
  await expect(elicitUrl({ client: leaving.server, otherwise })(url, visit())).rejects.toMatchObject(gone)
  await expect(elicitCode({ client: leaving.server, otherwise })(code)).rejects.toMatchObject(gone)
  const { client, between, connect } = bridged({ elicitation: { url: {} } })
  client.setRequestHandler(ElicitRequestSchema, async () => {
    await client.close()
    return { action: 'accept' }
  })
  await connect()
  await expect.poll(() => between.getClientCapabilities()).toBeDefined()
  await expect(elicitUrl({ client: between, otherwise })(url, visit())).rejects.toMatchObject(gone)
})

test('of many clients the one of the user is asked', async () => {
  const asked: string[] = []
  const all = await Promise.all(
    ['ada', 'grace'].map(async user => {
      const { server } = await served(() => {
        asked.push(user)
        return { action: 'accept' }
      })
      return [user, server] as const
    }),
  )
  const servers = new Map(all)
  await elicitUrl({ client: ({ user = '' }) => servers.get(user) })(url, { ...visit(), user: 'grace' })
  expect(asked).toEqual(['grace'])
})

test('a code is in the message, and never in the URL', async () => {
  const asked: object[] = []
  const { server } = await served(params => {
    asked.push(params)
    return { action: 'accept' }
  })
  const code = {
    verification_uri: 'https://auth.example/device',
    user_code: 'BCDF-GHJK',
    expires_in: 600,
    issuer: 'https://auth.example',
    resource: 'https://calendar.example',
    scope: 'events.read',
  }
  await elicitCode({ client: server, otherwise: () => expect.unreachable() })(code)
  expect(asked).toMatchObject([
    {
      url: 'https://auth.example/device',
      message: 'auth.example asks you whether to allow access to calendar.example; on any device, type in BCDF-GHJK',
    },
  ])
  const refusing = await served(() => ({ action: 'decline' }))
  const show = elicitCode({ client: refusing.server, otherwise: () => expect.unreachable() })
  await expect(show(code)).rejects.toMatchObject({ code: 'denied' })
})
