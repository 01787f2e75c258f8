import { createAgent, pseudonym } from '@countersign/agent'
import { StreamableHTTPError } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import type { JSONRPCMessage } from '@modelcontextprotocol/sdk/types.js'
import { describe, expect, test } from 'vitest'
import { type AgentTransportOptions, agentTransport, type Lost } from './agent-transport.js'

const url = 'https://tools.example/mcp'
const request = (id: number): JSONRPCMessage => ({ jsonrpc: '2.0', id, method: 'tools/call', params: { name: 'pay' } })
const cancelled = (requestId: number): JSONRPCMessage => ({
  jsonrpc: '2.0',
  method: 'notifications/cancelled',
  params: { requestId },
})
const accepted = (): Response => new Response(null, { status: 202 })

function events(...lines: readonly string[]): Response {
  return new Response(lines.join(''), { headers: { 'content-type': 'text/event-stream' } })
}

/** A transport whose agent answers as `answer` says. */
async function opened(
  answer: (method: string, init: RequestInit) => Response | Promise<Response>,
  options: AgentTransportOptions = {},
) {
  const fetch = async (_: unknown, init: RequestInit = {}): Promise<Response> => answer(init.method ?? '', init)
  const transport = agentTransport(url, { fetch }, options)
  const received: JSONRPCMessage[] = []
  transport.onmessage = message => void received.push(message)
  await transport.start()
  return { transport, received }
}

describe('a request that is cancelled', () => {
  test('while it waits for a user is not sent', async () => {
    let reason: unknown
    const sent: string[] = []
    const { transport } = await opened((_, { body, signal }) => {
      sent.push(JSON.parse(String(body)).method)
      if (sent.length > 1) return accepted()
      return new Promise((_, reject) => {
        signal?.addEventListener('abort', () => {
          reason = signal.reason
          reject(signal.reason)
        })
      })
    })
    const call = transport.send(request(1))
    call.catch(() => undefined)
    await transport.send(cancelled(2))
    expect(reason).toBeUndefined()
    await transport.send(cancelled(1))
    await expect(call).rejects.toThrow('aborted')
    expect(sent).toEqual(['tools/call', 'notifications/cancelled', 'notifications/cancelled'])
  })

  /** A server whose streams are open until they are let go, and the ids of what is asked for again. */
  async function answering() {
    const resumed: unknown[] = []
    const errors: Error[] = []
    const left: number[] = []
    const writers: Array<ReadableStreamDefaultController<Uint8Array>> = []
    const opening = (id: string): Response => {
      const n = writers.length
      const start = (controller: ReadableStreamDefaultController<Uint8Array>): void => {
        writers.push(controller)
        for (const part of ['retry: 1\ni', `d: ${id}\nda`, 'ta:\n\n'])
          controller.enqueue(new TextEncoder().encode(part))
      }
      const body = new ReadableStream<Uint8Array>({ start, cancel: () => void left.push(n) })
      return new Response(body, { headers: { 'content-type': 'text/event-stream' } })
    }
    const { transport } = await opened((method, { body, headers }) => {
      if (method === 'GET') resumed.push(new Headers(headers).get('last-event-id'))
      if (method === 'GET') return opening(`e${writers.length}`)
      return String(body).includes('tools/call') ? opening(`e${writers.length}`) : accepted()
    })
    transport.onerror = error => void errors.push(error)
    return { transport, resumed, errors, left, end: (n: number) => writers[n]?.close() }
  }

  test('while it is answered ends its stream, which is not resumed; the stream of another call is', async () => {
    const { transport, resumed, errors, left, end } = await answering()
    for (const id of [1, 2]) await transport.send(request(id))
    await new Promise(resolve => setTimeout(resolve, 20))
    await transport.send(cancelled(1))
    await expect.poll(() => left).toEqual([0])
    end(1)
    await expect.poll(() => resumed).toEqual(['e1'])
    // Also where it has been resumed.
    await transport.send(cancelled(2))
    await expect.poll(() => left).toEqual([0, 2])
    await new Promise(resolve => setTimeout(resolve, 50))
    expect([resumed, errors]).toEqual([['e1'], []])
    await transport.close()
  })

  test('while its stream waits to be resumed is not resumed', async () => {
    const { transport, resumed, end } = await answering()
    for (const id of [1, 2]) await transport.send(request(id))
    await new Promise(resolve => setTimeout(resolve, 20))
    end(0)
    end(1)
    await transport.send(cancelled(1))
    await expect.poll(() => resumed).toEqual(['e1'])
    await new Promise(resolve => setTimeout(resolve, 50))
    expect(resumed).toEqual(['e1'])
    await transport.close()
  })
})

test('a closed transport ends its requests and resumes no stream', async () => {
  const signals: Array<AbortSignal | null | undefined> = []
  const { transport } = await opened((_, { signal }) => {
    signals.push(signal)
    return new Response(new ReadableStream(), { headers: { 'content-type': 'text/event-stream' } })
  })
  for (const id of [1, 2]) await transport.send(request(id))
  await transport.close()
  expect(signals.map(signal => signal?.aborted)).toEqual([true, true])
  await transport.resumeStream('event 1')
  expect(signals).toHaveLength(2)
})

test('a refused request fails with the reason of the agent', async () => {
  const refusing = createAgent({
    identity: pseudonym(),
    fetch: async () =>
      new Response('{"error":"policy_denied"}', { status: 403, headers: { 'content-type': 'application/json' } }),
  })
  const transport = agentTransport(url, refusing)
  await transport.start()
  const error = await transport.send(request(1)).catch(thrown => thrown)
  expect(error).toBeInstanceOf(StreamableHTTPError)
  expect([error.code, error.message]).toEqual([403, 'Streamable HTTP error: tools.example does not admit this agent'])
})

test('a redirect within the origin is followed; one to another origin is an error', async () => {
  const asked: string[] = []
  const fetched = async (location: string) => {
    const redirecting = createAgent({
      identity: pseudonym(),
      async fetch(input) {
        const { url: at } = new Request(input)
        asked.push(at)
        return at === url ? new Response(null, { status: 307, headers: { location } }) : accepted()
      },
    })
    const transport = agentTransport(url, redirecting)
    await transport.start()
    return transport.send(request(1)).catch(error => [error.constructor.name, error.code, error.message])
  }
  expect(await fetched('https://other.example/mcp')).toEqual([
    'StreamableHTTPError',
    307,
    expect.stringContaining('Redirect to https://other.example/mcp not followed'),
  ])
  expect(asked.splice(0)).toEqual([url])
  expect(await fetched('/mcp/v2')).toBeUndefined()
  expect(asked).toEqual([url, 'https://tools.example/mcp/v2'])
})

describe('onLost', () => {
  const answer = 'event: message\ndata: {"jsonrpc":"2.0","id":1,"result":{}}\n\n'

  test('is called for every stream that ends, after its answer', async () => {
    const lost: Lost[] = []
    const { transport, received } = await opened(() => events(answer), { onLost: what => void lost.push(what) })
    await transport.send(request(1))
    await expect.poll(() => received).toHaveLength(1)
    expect(lost).toEqual([{ id: 1 }])
  })

  test('is called for a request that was only accepted', async () => {
    const lost: Lost[] = []
    const { transport } = await opened(accepted, { onLost: what => void lost.push(what) })
    await transport.send(request(1))
    expect(lost).toEqual([{ id: 1 }])
  })

  test('is not called for a refused request', async () => {
    const lost: Lost[] = []
    const { transport } = await opened(() => new Response('no', { status: 500 }), {
      onLost: what => void lost.push(what),
    })
    await expect(transport.send(request(1))).rejects.toThrow(StreamableHTTPError)
    expect(lost).toEqual([])
  })

  test('is called at once for a stream that the server does not resume', async () => {
    const lost: Lost[] = []
    const { transport } = await opened(
      method => (method === 'GET' ? new Response(null, { status: 400 }) : events('retry: 1\nid: e1\ndata:\n\n')),
      { onLost: what => void lost.push(what) },
    )
    await transport.send(request(1))
    await expect.poll(() => lost).toEqual([{ id: 1 }, { lastEventId: 'e1' }])
    await transport.close()
  })

  test('is called at once for a stream that has ended, which is not requested again', async () => {
    const lost: Lost[] = []
    let gets = 0
    const { transport } = await opened(
      method => {
        if (method !== 'GET') return events('retry: 1\nid: e1\ndata:\n\n')
        gets += 1
        return new Response(null, { status: 204 })
      },
      { onLost: what => void lost.push(what) },
    )
    await transport.send(request(1))
    await expect.poll(() => lost).toEqual([{ id: 1 }, { lastEventId: 'e1' }])
    await new Promise(resolve => setTimeout(resolve, 50))
    expect(gets).toBe(1)
    await transport.close()
  })

  test('is called for a stream that five attempts could not resume; a successful attempt brings the answer', async () => {
    const lost: Lost[] = []
    let attempts = 0
    const away =
      (succeeds: boolean) =>
      (method: string): Response => {
        if (method !== 'GET') return events('retry: 1\nid: e1\ndata:\n\n')
        attempts += 1
        if (succeeds && attempts === 3) return events(answer)
        throw new TypeError('fetch failed')
      }
    const options = { onLost: (what: Lost) => void lost.push(what) }
    const { transport } = await opened(away(false), options)
    await transport.send(request(1))
    await expect.poll(() => lost).toEqual([{ id: 1 }, { lastEventId: 'e1' }])
    expect(attempts).toBe(5)
    attempts = 0
    const other = await opened(away(true), options)
    await other.transport.send(request(1))
    await expect.poll(() => other.received).toHaveLength(1)
    expect(lost).toHaveLength(3)
    for (const { close } of [transport, other.transport].map(one => ({ close: () => one.close() }))) await close()
  })
})
