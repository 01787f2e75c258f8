import { agentTransport } from '@countersign/mcp/client'
import type { AgentTransportOptions, Lost } from '@countersign/mcp/internal/client'
import { InMemoryTransport } from '@modelcontextprotocol/client'
import { describe, expect, test } from 'vitest'
import { limitMessages } from '../../../mcp/src/transport/message-limit.js'
import { bridge } from '../bridge/bridge.js'
import { agentTransport as agentTransport1 } from './agent-transport.js'

const url = 'https://tools.example/mcp'
const limit = 1000
const tooLong = `the server sent a message of more than ${limit} bytes, the limit of this transport (maxMessageBytes)`

type Answer = (method: string, id: unknown) => Response

const json = (value: unknown): Response => Response.json(value)
const events = (...parts: readonly string[]): Response =>
  new Response(parts.join(''), { headers: { 'content-type': 'text/event-stream' } })
const resultOf = (id: unknown, length: number) => ({ jsonrpc: '2.0', id, result: { text: 'x'.repeat(length) } })
const eventOf = (id: unknown, length: number): string => `data: ${JSON.stringify(resultOf(id, length))}\n\n`

/** What a body is read as with the limit, part by part. */
async function read(type: string, parts: readonly string[]): Promise<string> {
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      for (const part of parts) controller.enqueue(new TextEncoder().encode(part))
      controller.close()
    },
  })
  const response = new Response(body, { headers: { 'content-type': type } })
  return limitMessages(response, { mostBytes: 10, exceeded: () => {} })
    .text()
    .catch(error => String(error.message).slice(0, 40))
}

describe('what counts as one message', () => {
  const over = 'the server sent a message of more than 1'

  test('of a stream each event counts, whatever ends its lines and wherever its chunks end', async () => {
    for (const end of ['\n', '\r', '\r\n']) {
      const event = `data:1${end}${end}`
      for (const parts of [[event.repeat(9)], [...event.repeat(9)], [`${event}data`, `:1${end}`, end]])
        expect(await read('text/event-stream; charset=utf-8', parts), JSON.stringify(parts)).toBe(parts.join(''))
    }
  })

  test('an event fails at the limit, in one chunk or many, and also where its lines are short', async () => {
    for (const text of ['data:234567890', 'data:1\n\ndata:234567890', 'a:\nb:\nc:\nd:', 'a:\r\nb:\r\nc:\r\n'])
      for (const parts of [[text], [...text]])
        expect(await read('text/event-stream', parts), JSON.stringify(parts)).toBe(over)
    expect(await read('text/event-stream', ['data:6789\n', '\n'])).toBe(over)
    expect(await read('text/event-stream', ['data:678\n', '\n'])).toBe('data:678\n\n')
  })

  test('of any other body all of it counts', async () => {
    expect(await read('application/json', ['12345', '67890'])).toBe('1234567890')
    expect(await read('application/json', ['12345\n\n', '67890'])).toBe(over)
  })
})

test.each([
  ['SDK 1', agentTransport1],
  ['SDK 2', agentTransport],
])('a transport of %s gives a longer message up, says so, and does not ask for it again', async (_, make) => {
  const lost: Lost[] = []
  const errors: string[] = []
  const received: unknown[] = []
  const asked: string[] = []
  const opened = async (answer: Answer, options: AgentTransportOptions = {}) => {
    const fetch = async (_: unknown, { method = '', body }: RequestInit = {}): Promise<Response> => {
      asked.push(method)
      return answer(method, body === undefined || body === null ? undefined : JSON.parse(String(body)).id)
    }
    const transport = make(url, { fetch }, { maxMessageBytes: limit, onLost: one => void lost.push(one), ...options })
    transport.onmessage = (message: object) => void received.push(message)
    transport.onerror = (error: Error) => void errors.push(error.message)
    await transport.start()
    return transport
  }
  const request = (id: number) => ({ jsonrpc: '2.0' as const, id, method: 'tools/call', params: { name: 'pay' } })

  const whole = await opened((_, id) => json(resultOf(id, id === 1 ? limit - 60 : limit)))
  await whole.send(request(1))
  await expect(whole.send(request(2))).rejects.toThrow(tooLong)
  expect(received.splice(0)).toEqual([resultOf(1, limit - 60)])
  expect(lost.splice(0).filter(({ cause }) => cause !== undefined)).toEqual([
    { id: 2, cause: expect.objectContaining({ message: tooLong }) },
  ])

  asked.length = 0
  const streamed = await opened((_, id) => events('id: e1\ndata:\n\n', eventOf(id, limit)))
  await streamed.send(request(3))
  await expect.poll(() => lost.filter(({ cause }) => cause !== undefined)).toMatchObject([{ id: 3 }])
  // Longer than the transport waits before it resumes a stream.
  await new Promise(resolve => setTimeout(resolve, 1200))
  expect(asked).toEqual(['POST'])
  expect([received, errors.join()]).toEqual([[], expect.stringContaining('maxMessageBytes')])
  for (const maxMessageBytes of [0, -1, Number.NaN])
    expect(() => make(url, { fetch }, { maxMessageBytes })).toThrow(RangeError)
})

test('behind the bridge, the call fails with the limit, and the next one passes', async () => {
  const [near, local] = InMemoryTransport.createLinkedPair()
  const received: unknown[] = []
  near.onmessage = message => void received.push(message)
  const greeting = { protocolVersion: '2025-11-25', capabilities: {}, serverInfo: { name: 's', version: '1' } }
  const fetch = async (_: unknown, { body }: RequestInit = {}): Promise<Response> => {
    const { id, method } = JSON.parse(typeof body === 'string' ? body : '{}')
    if (method === 'initialize') return json({ jsonrpc: '2.0', id, result: greeting })
    if (method === 'server/discover')
      return json({ jsonrpc: '2.0', id, error: { code: -32_601, message: 'no such method' } })
    if (id === undefined) return new Response(null, { status: method === undefined ? 405 : 202 })
    return id === 2 ? events('id: e1\ndata:\n\n', eventOf(id, limit)) : events(eventOf(id, 5))
  }
  const remote = (onLost: (lost: Lost) => void) => agentTransport(url, { fetch }, { onLost, maxMessageBytes: limit })
  await bridge({ local, remote }).start()
  await near.start()
  const say = (message: object) => near.send({ jsonrpc: '2.0', ...message } as never)
  await say({
    id: 1,
    method: 'initialize',
    params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'c', version: '1' } },
  })
  await expect.poll(() => received).toHaveLength(1)
  await say({ method: 'notifications/initialized' })
  await say({ id: 2, method: 'tools/call', params: { name: 'a' } })
  await expect.poll(() => received.at(-1)).toMatchObject({ id: 2, error: { message: tooLong } })
  await say({ id: 3, method: 'tools/call', params: { name: 'a' } })
  await expect.poll(() => received.at(-1)).toEqual(resultOf(3, 5))
})
