import { setTimeout as sleep } from 'node:timers/promises'
import { verifies } from '@countersign/requirements'
import { memoryRevocationSet } from '@countersign/resource'
import { asHolder } from '@countersign/testing/world/signer'
import { beforeAll, expect, test } from 'vitest'
import { makeWorld, type World } from '../../../resource/src/world.test.fixture.js'
import { makeTools, messagesOf, openSession, rpc } from '../tools.test.fixture.js'

let world: World
beforeAll(async () => {
  world = await makeWorld()
})

/** Under a token that ends so many seconds from now. */
async function holder(seconds: number) {
  const exp = Math.floor(world.clock.now) + seconds
  return asHolder(world.delegateKey, await world.authToken({ sub: 'alice', iat: exp - 60, exp }))
}

/** The events of a stream, as they come, until it ends. */
async function eventsOf(response: Response): Promise<Array<{ id: string; data: string }>> {
  const text = await response.text()
  return [...text.matchAll(/^id: (.*)\ndata: (.+)$/gm)].map(([, id = '', data = '']) => ({ id, data }))
}

test(
  verifies(
    'mcp.stream-end',
    'mcp.stream-resumed',
    'a stream ends with the token that opened it, and is resumed with a fresh one where it stopped',
  ),
  async () => {
    const tools = await makeTools(undefined, {}, world)
    const short = await holder(1)
    const id = await openSession(tools, short)
    const headers = { 'mcp-session-id': id, 'mcp-protocol-version': '2025-11-25', accept: 'text/event-stream' }
    const stream = await tools.send(short, { method: 'GET', headers })
    const server = tools.servers.at(-1)
    await server?.server.notification({ method: 'notifications/message', params: { level: 'info', data: 'one' } })
    const began = performance.now()
    const before = await eventsOf(stream)
    expect(performance.now() - began).toBeLessThan(3000)
    expect(before.map(({ data }) => JSON.parse(data).params.data)).toEqual(['one'])
    await server?.server.notification({ method: 'notifications/message', params: { level: 'info', data: 'two' } })

    world.clock.now += 2
    const late = await tools.send(short, { method: 'GET', headers })
    expect([late.status, Object(await late.json()).error]).toEqual([401, 'invalid_auth_token'])
    const fresh = await holder(1)
    const last = before.at(-1)?.id ?? ''
    const resumed = await tools.send(fresh, { method: 'GET', headers: { ...headers, 'last-event-id': last } })
    expect((await eventsOf(resumed)).map(({ data }) => JSON.parse(data).params.data)).toEqual(['two'])
    world.clock.now += 2
  },
)

test(verifies('mcp.covered', 'the signature must cover Last-Event-ID'), async () => {
  const tools = await makeTools(undefined, {}, world)
  const as = await holder(60)
  const id = await openSession(tools, as)
  const wire = await world.request({
    as,
    method: 'GET',
    target: '/mcp',
    additionalComponents: ['mcp-session-id'],
    headers: [
      ['accept', 'text/event-stream'],
      ['mcp-session-id', id],
    ],
  })
  const added = { ...wire, headers: [...wire.headers, ['last-event-id', 'x'] as const] }
  expect((await tools.participant.handle(added)).status).toBe(401)
  const kept = await tools.participant.handle(wire)
  await kept.body?.cancel()
  expect(kept.status).toBe(200)
})

test('the answer to a call whose token has ended is there for a fresh token', async () => {
  const tools = await makeTools({ tools: { '*': { level: 'identified' } } }, {}, world)
  const short = await holder(1)
  const id = await openSession(tools, short)
  tools.servers.at(-1)?.registerTool('slow', {}, async () => {
    await sleep(1500)
    return { content: [{ type: 'text', text: 'done' }] }
  })
  const headers = { 'mcp-session-id': id, 'mcp-protocol-version': '2025-11-25' }
  const cut = await tools.send(short, { body: rpc('tools/call', { name: 'slow' }, 4), headers })
  const text = await cut.text()
  expect(text).not.toContain('done')
  const last = /^id: (.*)$/m.exec(text)?.[1] ?? ''
  await sleep(800)
  world.clock.now += 2
  const fresh = await holder(1)
  const resumed = await tools.send(fresh, {
    method: 'GET',
    headers: { ...headers, accept: 'text/event-stream', 'last-event-id': last },
  })
  expect(await messagesOf(resumed)).toMatchObject([{ id: 4, result: { content: [{ text: 'done' }] } }])
})

test(verifies('mcp.stream-end', 'a stream without a token ends after the configured time'), async () => {
  const tools = await makeTools({ session: { level: 'anonymous' }, streamSeconds: 0.2 }, {}, world)
  const id = await openSession(tools, undefined)
  const stream = await tools.send(undefined, {
    method: 'GET',
    headers: { 'mcp-session-id': id, accept: 'text/event-stream' },
  })
  const began = performance.now()
  expect(await messagesOf(stream)).toEqual([])
  expect(performance.now() - began).toBeLessThan(2000)
})

test('only the last events of a session are kept', async () => {
  const tools = await makeTools({ session: { level: 'anonymous' }, recentEvents: 3 }, {}, world)
  const id = await openSession(tools, undefined)
  const headers = { 'mcp-session-id': id, accept: 'text/event-stream' }
  const stream = await tools.send(undefined, { method: 'GET', headers })
  const server = tools.servers.at(-1)?.server
  const reader = stream.body?.getReader()
  const tell = (data: number) =>
    server?.notification({ method: 'notifications/message', params: { level: 'info', data } })
  for (let data = 0; data < 5; data++) await tell(data)
  const chunks: string[] = []
  while (chunks.length < 5) chunks.push(new TextDecoder().decode((await reader?.read())?.value))
  await reader?.cancel()
  const ids = chunks.map(chunk => /^id: (.*)$/m.exec(chunk)?.[1] ?? '')
  const from = async (at: number) =>
    await tools.send(undefined, { method: 'GET', headers: { ...headers, 'last-event-id': ids[at] ?? '' } })
  expect((await from(0)).status).toBe(400)
  const kept = await from(2)
  expect(kept.status).toBe(200)
  await kept.body?.cancel()
})

test(
  verifies('REV-09', 'a stream ends within a second when the grant of its token is revoked; others go on'),
  async () => {
    const revocations = memoryRevocationSet({ now: () => world.clock.now - 1000 })
    const tools = await makeTools(undefined, { revocations }, world)
    const grantHolder = async (grant: string) =>
      asHolder(world.delegateKey, await world.authToken({ sub: 'alice', grant }))
    const streamOf = async (as: Awaited<ReturnType<typeof grantHolder>>) => {
      const id = await openSession(tools, as)
      const headers = { 'mcp-session-id': id, 'mcp-protocol-version': '2025-11-25', accept: 'text/event-stream' }
      const { body } = await tools.send(as, { method: 'GET', headers })
      const reader = body?.getReader()
      await reader?.read()
      let isOpen = true
      const over = async (): Promise<void> => {
        try {
          while (!(await reader?.read())?.done);
        } catch {
          // Cut off.
        }
        isOpen = false
      }
      return { over: over(), isOpen: () => isOpen }
    }
    const [revoked, other] = [await streamOf(await grantHolder('g1')), await streamOf(await grantHolder('g2'))]
    await revocations.add({ issuer: 'https://auth.example', grant: 'g1', exp: world.clock.now + 600 })
    await Promise.race([revoked.over, sleep(1000)])
    expect([revoked.isOpen(), other.isOpen()]).toEqual([false, true])
  },
)
