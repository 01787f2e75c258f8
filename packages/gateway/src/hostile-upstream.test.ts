import { IncomingMessage, type ServerResponse } from 'node:http'
import { Socket } from 'node:net'
import { Readable } from 'node:stream'
import { verifies } from '@countersign/requirements'
import { beforeAll, expect, test } from 'vitest'
import { askBeside } from './mcp-names.js'
import { call, stage } from './stage.test.fixture.js'
import { checkSwitch } from './websocket.js'
import { makeWorld, type World } from './world.test.fixture.js'

// What an API answers that is none: its callers are told that it is unavailable, and nothing of the answer is used.

let world: World
beforeAll(async () => {
  world = await makeWorld()
})
const start = stage(() => world)

const unavailable = { code: 'temporarily_unavailable', reason: 'dependency_unavailable' }

/** Asks an MCP server for its names, which answers with these chunks. */
async function listed(
  answer: (id: string) => Iterable<string>,
  { status = 200, type = 'application/json' } = {},
): Promise<unknown> {
  const passed = { method: 'POST', target: '/mcp', headers: [] }
  const ask = askBeside(passed, async ({ body }) => {
    const { id } = JSON.parse(new TextDecoder().decode(body as Uint8Array))
    const chunks = Readable.from(answer(id), { objectMode: true }).map(text => Buffer.from(text))
    return Object.assign(chunks, {
      statusCode: status,
      headers: { 'content-type': type },
    }) as unknown as IncomingMessage
  })
  return ask('tools/list', {}).catch((error: unknown) => error)
}

const result = { tools: [{ name: 'look' }] }
const answerTo = (id: unknown): string => JSON.stringify({ jsonrpc: '2.0', id, result })
const stream = { type: 'text/event-stream' }

test(verifies('error.unavailable', 'the names of a server are in an answer of 200 to the request itself'), async () => {
  expect(await listed(id => [answerTo(id)])).toEqual(result)
  for (const status of [201, 202, 204, 400, 500])
    expect(await listed(id => [answerTo(id)], { status })).toMatchObject({ ...unavailable, cause: { status } })
  for (const other of ['other', 1, null, undefined])
    expect(await listed(() => [answerTo(other)])).toMatchObject(unavailable)
  expect(await listed(() => ['no message'])).toMatchObject(unavailable)
})

test(verifies('error.unavailable', 'an answer of more than a mebibyte is read no further'), async () => {
  const padded = (id: string, length: number): string => answerTo(id).padEnd(length, ' ')
  expect(await listed(id => [padded(id, 1_048_576)])).toEqual(result)
  expect(await listed(id => [padded(id, 1_048_577)])).toMatchObject({ ...unavailable, cause: { bytes: 1_048_577 } })
  const event = (id: string) => `data: ${answerTo(id)}\n\n`
  expect(await listed(id => [': \n\n'.padEnd(1_000_000, '\n'), event(id)], stream)).toEqual(result)
  expect(await listed(id => [': \n\n'.padEnd(1_048_577, '\n'), event(id)], stream)).toMatchObject(unavailable)
})

test(verifies('error.unavailable', 'an answer whose status is none of HTTP reaches no caller'), async () => {
  let status = 200
  const answer = (_: IncomingMessage, response: ServerResponse): void => void response.writeHead(status).end('x')
  const { port } = await start(answer, [{ path: '/*', requirement: { level: 'anonymous' } }])
  const ask = () => call(port, { target: '/x' })
  expect(await ask()).toMatchObject({ status: 200, body: 'x' })
  for (status of [600, 799, 999]) {
    const refused = await ask()
    expect([refused.status, JSON.parse(refused.body).reason]).toEqual([503, 'dependency_invalid'])
  }
  status = 599
  expect((await ask()).status).toBe(599)
})

test(verifies('error.unavailable', 'only a WebSocket is opened where one was asked for'), () => {
  const answer = (headers: Record<string, string>): IncomingMessage =>
    Object.assign(new IncomingMessage(new Socket()), { headers })
  const right = { upgrade: 'WebSocket', 'sec-websocket-accept': 'x' }
  const socket = new Socket()
  checkSwitch(answer(right), { accept: 'x' } as never, socket)
  expect(socket.destroyed).toBe(false)
  for (const change of [{ upgrade: 'h2c' }, { upgrade: 'websocket, h2c' }, { 'sec-websocket-accept': 'y' }]) {
    const other = new Socket()
    expect(() => checkSwitch(answer({ ...right, ...change }), { accept: 'x' } as never, other)).toThrow(
      expect.objectContaining({ reason: 'dependency_invalid' }),
    )
    expect(other.destroyed).toBe(true)
  }
})

test(verifies('mcp.session-owner', 'a request is of one session, not of two'), async () => {
  const answer = (_: IncomingMessage, response: ServerResponse, body: string): void => {
    const { id } = JSON.parse(body)
    response.setHeader('content-type', 'application/json').end(JSON.stringify({ jsonrpc: '2.0', id, result: {} }))
  }
  const mcp = { tools: { '*': { level: 'identified' } } } as const
  const { port, upstream } = await start(answer, [{ path: '/mcp', requirement: { level: 'identified' }, mcp }])
  const send = async (...ids: readonly string[]) => {
    const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'ping' })
    const lines = ids.map((id): [string, string] => ['mcp-session-id', id])
    const headers: Array<[string, string]> = [['content-type', 'application/json'], ...lines]
    const additionalComponents = ids.length === 0 ? [] : ['mcp-session-id']
    const signed = await world.sign({
      as: world.agent,
      method: 'POST',
      target: '/mcp',
      headers,
      body,
      additionalComponents,
    })
    const { status, body: text } = await call(port, { method: 'POST', target: '/mcp', headers: signed, body })
    return [status, JSON.parse(text).reason]
  }
  expect(await send()).toEqual([200, undefined])
  expect(await send('a', 'b')).toEqual([400, 'session_id_invalid'])
  expect(upstream.seen).toHaveLength(1)
})
