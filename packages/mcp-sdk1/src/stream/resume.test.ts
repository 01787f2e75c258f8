import { setTimeout as sleep } from 'node:timers/promises'
import { verifies } from '@countersign/requirements'
import { asHolder, type Signer } from '@countersign/testing/world/signer'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { LoggingMessageNotificationSchema } from '@modelcontextprotocol/sdk/types.js'
import { beforeAll, expect, test } from 'vitest'
import { makeWorld, type World } from '../../../resource/src/world.test.fixture.js'
import { initialize, makeTools, messagesOf, openSession, rpc, type Tools } from '../tools.test.fixture.js'
import { agentTransport } from '../transport/agent-transport.js'

// Streams that are resumed: after which event, and under which rule.

let world: World
beforeAll(async () => {
  world = await makeWorld()
  world.clock.now = Math.floor(world.clock.now)
})

const version = { 'mcp-protocol-version': '2025-11-25' }
const lastOf = (text: string): string => [...text.matchAll(/^id: (.*)$/gm)].at(-1)?.[1] ?? ''

/** A user with an auth token that expires in so many seconds. */
async function user(seconds: number): Promise<Signer> {
  const exp = world.clock.now + seconds
  return asHolder(
    world.delegateKey,
    await world.authToken({ sub: 'alice', scope: 'events.write', iat: world.clock.now - 60, exp }),
  )
}

async function opened(as: Signer, tool?: () => Promise<{ content: [] }>) {
  const tools = await makeTools(
    { session: { level: 'pseudonymous' }, tools: { slow: { scope: 'events.write' }, '*': { level: 'identified' } } },
    {},
    world,
  )
  const headers = { ...version, 'mcp-session-id': await openSession(tools, as) }
  if (tool !== undefined) tools.servers.at(-1)?.registerTool('slow', {}, tool)
  const get = (by: Signer, last?: string) => {
    const from = last === undefined ? {} : { 'last-event-id': last }
    return tools.send(by, { method: 'GET', headers: { ...headers, ...from, accept: 'text/event-stream' } })
  }
  const tell = (data: string) =>
    tools.servers.at(-1)?.server.notification({ method: 'notifications/message', params: { level: 'info', data } })
  return { tools, headers, get, tell }
}

test(
  verifies('mcp.stream-priming', 'a stream without events is resumed from its beginning, more than once'),
  async () => {
    const { get, tell } = await opened(await user(60))
    let last: string | undefined
    for (const _ of [1, 2]) {
      const silent = await get(await user(1), last)
      const text = await silent.text()
      expect(text).toMatch(/^id: \S+\ndata: \n\n$/)
      if (last !== undefined) expect(lastOf(text)).toBe(last)
      last = lastOf(text)
      world.clock.now += 2
    }
    await tell('meanwhile')
    expect(await messagesOf(await get(await user(1), last))).toMatchObject([{ params: { data: 'meanwhile' } }])
    world.clock.now += 2
  },
)

test(verifies('mcp.stream-priming', 'a client of an earlier protocol version gets no event without data'), async () => {
  const { tools, headers } = await opened(await user(60))
  const older = { 'mcp-session-id': headers['mcp-session-id'], accept: 'text/event-stream' }
  const stream = await tools.send(await user(1), { method: 'GET', headers: older })
  expect(await stream.text()).toBe('')
  world.clock.now += 2
})

test('the client of the SDK gets the messages that were sent after its token had ended', async () => {
  const { tools } = await opened(await user(60))
  const seen: unknown[] = []
  const resumed: Array<string | undefined> = []
  const fetch = async (input: unknown, init: RequestInit = {}): Promise<Response> => {
    const { 'content-type': _, ...headers } = Object.fromEntries(new Headers(init.headers))
    if (init.method === 'GET' && resumed.push(headers['last-event-id']) === 2)
      await tools.servers
        .at(-1)
        ?.server.notification({ method: 'notifications/message', params: { level: 'info', data: 'in the gap' } })
    return tools.send(await user(1), {
      method: init.method ?? 'GET',
      target: new URL(String(input)).pathname,
      headers,
      ...(typeof init.body === 'string' ? { body: init.body } : {}),
    })
  }
  const transport = agentTransport('https://calendar.example/mcp', { fetch })
  const client = new Client({ name: 'client', version: '1' })
  client.setNotificationHandler(LoggingMessageNotificationSchema, ({ params }) => void seen.push(params.data))
  await client.connect(transport as Parameters<Client['connect']>[0])
  await expect.poll(() => seen, { timeout: 10_000 }).toEqual(['in the gap'])
  expect(resumed).toEqual([undefined, expect.stringMatching(/./)])
  await client.close()
})

test(
  verifies('mcp.stream-resumed', 'the stream of a call is resumed under the rule of the call, not of the session'),
  async () => {
    const short = await user(1)
    const { tools, headers, get } = await opened(short, async () => {
      await sleep(1200)
      return { content: [] }
    })
    const cut = await (await tools.send(short, { body: rpc('tools/call', { name: 'slow' }, 4), headers })).text()
    expect(cut).not.toContain('result')
    await sleep(600)
    world.clock.now += 2
    const agent = asHolder(world.delegateKey, await world.agentToken({ sub: 'phone' }))
    const refused = await get(agent, lastOf(cut))
    expect([refused.status, refused.headers.get('agent-auth')]).toEqual([
      401,
      expect.stringMatching(/^httpsig; auth-token; resource_token=/),
    ])
    // The same agent may open the stream of its session.
    const own = await get(agent)
    expect(own.status).toBe(200)
    await own.body?.cancel()
    const answer = await get(await user(60), lastOf(cut))
    expect(await messagesOf(answer)).toMatchObject([{ id: 4, result: { content: [] } }])
  },
)

test(
  verifies('mcp.stream-resumed', 'the stream of a call keeps its rule after events of others have displaced its own'),
  async () => {
    const as = await user(600)
    let isLet = true
    const tools = await makeTools(
      { session: { level: 'pseudonymous' }, tools: { slow: { level: 'identified', policy: () => isLet } } },
      {},
      world,
    )
    const headers = { ...version, 'mcp-session-id': await openSession(tools, as) }
    const server = tools.servers.at(-1)
    const tell = (data: string) =>
      server?.server.notification({ method: 'notifications/message', params: { level: 'info', data } })
    const steps: Array<() => void> = []
    const step = () => new Promise<void>(resolve => steps.push(resolve))
    server?.registerTool('slow', {}, async extra => {
      await step()
      await extra.sendNotification({ method: 'notifications/message', params: { level: 'info', data: 'half' } })
      await step()
      return { content: [] }
    })
    const get = (last: string) =>
      tools.send(as, { method: 'GET', headers: { ...headers, 'last-event-id': last, accept: 'text/event-stream' } })
    for (const id of [1, 2]) {
      isLet = true
      const call = await tools.send(as, { body: rpc('tools/call', { name: 'slow' }, id), headers })
      const reader = call.body?.getReader()
      const read = async () => new TextDecoder().decode((await reader?.read())?.value)
      const begun = lastOf(await read())
      // The event at the beginning of the stream is displaced.
      for (let i = 0; i < 1000; i += 1) await tell('of others')
      steps.pop()?.()
      const last = lastOf(await read())
      await reader?.cancel()
      for (const event of [begun, 'unknown']) {
        const refused = await get(event)
        expect([refused.status, await refused.json()]).toMatchObject([400, { reason: 'event_unknown' }])
      }
      isLet = id === 1
      await expect.poll(() => steps.length).toBe(1)
      if (id === 2) {
        expect((await get(last)).status).toBe(403)
        const body = rpc('notifications/cancelled', { requestId: id })
        expect((await tools.send(as, { body, headers })).status).toBe(202)
        isLet = true
        expect((await get(last)).status).toBe(204)
        continue
      }
      steps.pop()?.()
      expect(await messagesOf(await get(last))).toMatchObject([{ id, result: { content: [] } }])
    }
  },
)

test(
  verifies('mcp.stream-over', 'a stream that was answered sends the missed events and ends; after that it is 204'),
  async () => {
    const as = await user(600)
    const { tools, headers, get } = await opened(as)
    const text = await (await tools.send(as, { body: rpc('tools/list', {}, 1), headers })).text()
    const began = performance.now()
    const missed = await get(as, /^id: (.*)$/m.exec(text)?.[1])
    expect([missed.status, await messagesOf(missed)]).toMatchObject([200, [{ id: 1 }]])
    const over = await get(as, lastOf(text))
    expect([over.status, await over.text(), performance.now() - began < 3000]).toEqual([204, '', true])
    const failed = await (await tools.send(as, { body: rpc('no/such', {}, 2), headers })).text()
    expect(failed).toContain('"error"')
    expect((await get(as, lastOf(failed))).status).toBe(204)
  },
)

test(
  verifies(
    'mcp.stream-over',
    'the stream of a cancelled call ends at once and cannot be resumed; other calls continue',
  ),
  async () => {
    const as = await user(600)
    const { tools, headers, get } = await opened(as, () => new Promise(() => {}))
    const call = (id: number) => tools.send(as, { body: rpc('tools/call', { name: 'slow' }, id), headers })
    const [one, two] = [await call(1), await call(2)]
    const began = performance.now()
    const body = rpc('notifications/cancelled', { requestId: 1 })
    // A notification that the server refuses cancels nothing.
    expect((await tools.send(as, { body, headers: { ...headers, accept: 'text/html' } })).status).toBe(406)
    expect((await call(1)).status).toBe(400)
    expect((await tools.send(as, { body, headers })).status).toBe(202)
    const text = await one.text()
    expect([performance.now() - began < 3000, await messagesOf(new Response(text))]).toEqual([true, []])
    expect((await get(as, lastOf(text))).status).toBe(204)
    // Its id is free again; the other call still waits.
    expect((await call(2)).status).toBe(400)
    const again = await call(1)
    expect(again.status).toBe(200)
    for (const response of [two, again]) await response.body?.cancel()
  },
)

test(
  verifies('mcp.stream-over', 'a call that was cancelled while its response was held back cannot be resumed'),
  async () => {
    const as = await user(600)
    const rules = { session: { level: 'pseudonymous' }, tools: { slow: { scope: 'events.write' } } } as const
    const tools = await makeTools(rules, { downstream: { acceptAuthServer: 'any' } }, world)
    const headers = { ...version, 'mcp-session-id': await openSession(tools, as) }
    let [started, end] = [() => {}, () => {}]
    const hasStarted = new Promise<void>(resolve => (started = resolve))
    tools.servers.at(-1)?.registerTool('slow', {}, async () => {
      started()
      await new Promise<void>(resolve => (end = resolve))
      return { content: [] }
    })
    const call = tools.send(as, { body: rpc('tools/call', { name: 'slow' }, 1), headers })
    await hasStarted
    const body = rpc('notifications/cancelled', { requestId: 1 })
    expect((await tools.send(as, { body, headers })).status).toBe(202)
    const last = lastOf(await (await call).text())
    expect(last).not.toBe('')
    const get = { ...headers, 'last-event-id': last, accept: 'text/event-stream' }
    expect((await tools.send(as, { method: 'GET', headers: get })).status).toBe(204)
    end()
  },
)

test(
  verifies('mcp.session-anonymous', 'a session of an anonymous caller has no owner, even after an agent has used it'),
  async () => {
    const tools: Tools = await makeTools({ session: { level: 'anonymous' } }, {}, world)
    const id = await openSession(tools, undefined)
    const ping = (as: Signer | undefined) =>
      tools.send(as, { body: rpc('ping', undefined, 1), headers: { 'mcp-session-id': id } })
    const agent = asHolder(world.delegateKey, await world.agentToken({ sub: 'phone' }))
    expect([(await ping(agent)).status, (await ping(undefined)).status]).toEqual([200, 200])
    // A session that an agent opens belongs to the agent.
    const own = (await tools.send(agent, { body: initialize })).headers.get('mcp-session-id') ?? ''
    const stranger = await tools.send(undefined, {
      body: rpc('ping', undefined, 1),
      headers: { 'mcp-session-id': own },
    })
    expect(stranger.status).toBe(404)
  },
)
