import { verifies } from '@countersign/requirements'
import { asHolder, type Signer } from '@countersign/testing/world/signer'
import { beforeAll, expect, test } from 'vitest'
import { makeWorld, type World } from '../../resource/src/world.test.fixture.js'
import { makeTools, messagesOf, openSession, rpc, rules } from './tools.test.fixture.js'

let world: World
let alice: Signer
beforeAll(async () => {
  world = await makeWorld()
  alice = asHolder(world.delegateKey, await world.authToken({ sub: 'alice' }))
})

async function away(): Promise<Response> {
  throw new TypeError('fetch failed')
}

async function called(name: string, fetch = away) {
  const tools = await makeTools(rules, { downstream: { acceptAuthServer: 'any', fetch } }, world)
  const headers = { 'mcp-session-id': await openSession(tools, alice) }
  const send = (id: number) => tools.send(alice, { body: rpc('tools/call', { name }, id), headers })
  return { tools, send }
}

test(
  verifies(
    'mcp.bubbles-up',
    "an error of a tool's call of another service becomes the response of the guard to its caller",
  ),
  async () => {
    const { tools, send } = await called('book')
    const setback = await send(1)
    expect([setback.status, setback.headers.get('content-type'), Object(await setback.json()).error]).toEqual([
      503,
      'application/json',
      'temporarily_unavailable',
    ])
    expect(setback.headers.get('retry-after')).toBe('5')
    // Not the guard's own: the tool has run, and an agent does not send the call again by itself.
    expect(setback.headers.get('cache-control')).toBe('private, no-store')
    expect(tools.calls.splice(0)).toHaveLength(1)
    // Nothing of it is left: the same id may come again, and is answered anew.
    expect((await send(1)).status).toBe(503)
  },
)

test('a tool that catches the error has succeeded', async () => {
  const { send } = await called('book-or-not')
  const answer = await send(1)
  expect(answer.status).toBe(200)
  expect(await messagesOf(answer)).toMatchObject([{ id: 1, result: { content: [{ text: 'without a room' }] } }])
})

test('a server without calls of other services answers without waiting, and its failed tool has failed', async () => {
  const tools = await makeTools(rules, {}, world)
  const headers = { 'mcp-session-id': await openSession(tools, alice) }
  const answer = await tools.send(alice, { body: rpc('tools/call', { name: 'book' }, 1), headers })
  expect(answer.status).toBe(200)
  expect(await messagesOf(answer)).toMatchObject([{ id: 1, result: { isError: true } }])
})
