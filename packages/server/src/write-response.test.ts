import { request, ServerResponse } from 'node:http'
import { connect, type Socket } from 'node:net'
import { Worker } from 'node:worker_threads'
import { textResponse } from '@countersign/protocol/internal'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { closeAll, exchangeBytes, start } from './serve.test.fixture.js'

afterEach(closeAll)

const ask = (method: string): string => `${method} / HTTP/1.1\r\nhost: h\r\nconnection: close\r\n\r\n`
const wait = (ms: number): Promise<void> => new Promise(resolve => setTimeout(resolve, ms))

test('every Set-Cookie stands on its own line, and a whole body has its length', async () => {
  const { port } = await start(async () => {
    const headers = new Headers({ 'content-type': 'text/plain' })
    headers.append('set-cookie', 'a=1; Path=/')
    headers.append('set-cookie', 'b=2, 3')
    return new Response('hello', { status: 201, headers })
  })
  const answer = await exchangeBytes(port, ask('GET'))
  expect(answer).toMatch(/^HTTP\/1\.1 201 /)
  expect(answer.match(/^set-cookie: .*$/gim)).toEqual(['set-cookie: a=1; Path=/', 'set-cookie: b=2, 3'])
  expect(answer).toMatch(/\r\ncontent-length: 5\r\n/i)
  expect(answer).toMatch(/\r\n\r\nhello$/)
})

test('a header keeps its bytes, whether the body is a text or not', async () => {
  const init = { headers: { 'x-name': 'caf\u00e9' } }
  for (const body of [textResponse('\u20ac', init), new Response('\u20ac', init)]) {
    const { port } = await start(async () => body)
    const answer = await exchangeBytes(port, ask('GET'))
    expect(answer).toMatch(/\r\nx-name: caf\u00e9\r\n/i)
    expect(answer).toMatch(/\r\ncontent-length: 3\r\n/i)
  }
})

test('HEAD gets the headers and no body', async () => {
  const { port } = await start(async message => {
    expect(message.method).toBe('HEAD')
    return new Response('hello', { headers: { 'content-length': '5' } })
  })
  const answer = await exchangeBytes(port, ask('HEAD'))
  expect(answer).toMatch(/\r\ncontent-length: 5\r\n/i)
  expect(answer).toMatch(/\r\n\r\n$/)
})

test.each([204, 304])('status %i has no body', async status => {
  const { port } = await start(async () => new Response(null, { status }))
  const answer = await exchangeBytes(port, ask('GET'))
  expect(answer).toMatch(new RegExp(`^HTTP/1.1 ${status} `))
  expect(answer).toMatch(/\r\n\r\n$/)
})

test('a stream arrives event by event', async () => {
  let send: ReadableStreamDefaultController<Uint8Array> | undefined
  const { url } = await start(async () => {
    const stream = new ReadableStream<Uint8Array>({
      start(controller) {
        send = controller
        controller.enqueue(new TextEncoder().encode('one'))
      },
    })
    return new Response(stream, { headers: { 'content-type': 'text/event-stream' } })
  })
  const response = await fetch(url)
  const got: string[] = []
  // The next is sent when the one before has arrived.
  for await (const chunk of response.body ?? []) {
    const event = new TextDecoder().decode(chunk)
    got.push(event)
    if (event === 'one') send?.enqueue(new TextEncoder().encode('two'))
    else send?.close()
  }
  expect(got).toEqual(['one', 'two'])
})

test('a large body arrives whole', async () => {
  const bytes = new Uint8Array(5_000_000).map((_, index) => index % 251)
  const { url } = await start(async () => new Response(bytes))
  expect(Buffer.compare(Buffer.from(await (await fetch(url)).arrayBuffer()), bytes)).toBe(0)
})

describe('of a body that is whole', () => {
  const bytes = 20_000_000
  const large = (): Response => new Response(new Uint8Array(bytes))
  const ended = (socket: Socket): Promise<void> =>
    new Promise(resolve => socket.on('error', () => {}).on('close', () => resolve()))

  test('a peer that reads nothing loses the connection', async () => {
    let asked = (): void => {}
    const answering = new Promise<void>(resolve => {
      asked = resolve
    })
    const server = await start(
      async () => {
        asked()
        return large()
      },
      { limits: { stall: 0.2 }, drain: 20 },
    )
    const idle = connect(server.port, '127.0.0.1', () => idle.write(ask('GET')))
    idle.pause()
    await answering
    // A paused socket does not notice that it was reset until it reads again. The server knows: it waits for open ones.
    const began = performance.now()
    await server.close()
    expect(performance.now() - began).toBeLessThan(15_000)
    idle.resume()
    let length = 0
    await ended(idle.on('data', chunk => (length += chunk.length)))
    expect(length).toBeLessThan(bytes)
  })

  /** Reads on a thread of its own, whatever becomes of this one, and counts what it has read. */
  const reader = (port: number, read: Int32Array): Promise<unknown> =>
    new Promise((resolve, reject) => {
      const code = `
        const { connect } = require('node:net')
        const { workerData: { port, text, read } } = require('node:worker_threads')
        const socket = connect(port, '127.0.0.1', () => socket.write(text))
        socket.on('data', chunk => Atomics.add(read, 0, chunk.length)).on('error', () => {})`
      const thread = new Worker(code, { eval: true, workerData: { port, text: ask('GET'), read } })
      thread.once('exit', resolve).once('error', reject)
    })

  test('one that reads slowly keeps it, also when it is the server that stood still', async () => {
    const write = vi.spyOn(ServerResponse.prototype, 'write')
    const sent = (): number => write.mock.calls.reduce((sum, [chunk]) => sum + (chunk as Uint8Array).length, 0)
    const read = new Int32Array(new SharedArrayBuffer(4))
    // Time passes here only where the test says so.
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    try {
      let asked = (): void => {}
      const answering = new Promise<void>(resolve => {
        asked = resolve
      })
      const { port } = await start(
        async () => {
          asked()
          return large()
        },
        { limits: { stall: 0.2 } },
      )
      const reading = reader(port, read)
      await answering
      for (let turn = 0; turn < 100; turn++) {
        // The server stands still until what the kernel took is read; then its timers come first.
        const limit = performance.now() + 2000
        while (Atomics.load(read, 0) < sent() - 65_536 && performance.now() < limit);
        vi.advanceTimersByTime(220)
        await new Promise(resolve => setImmediate(resolve))
      }
      await reading
      expect(Atomics.load(read, 0)).toBeGreaterThan(bytes)
    } finally {
      vi.useRealTimers()
      write.mockRestore()
    }
  })
})

test('when the peer disconnects the source is cancelled', async () => {
  let cancelled = false
  const { port } = await start(async () => {
    const stream = new ReadableStream<Uint8Array>({
      start: controller => controller.enqueue(new TextEncoder().encode('first')),
      cancel: () => {
        cancelled = true
      },
    })
    return new Response(stream)
  })
  await new Promise<void>(resolve => {
    const client = request({ port, host: '127.0.0.1' }, response => {
      response.once('data', () => {
        client.destroy()
        resolve()
      })
      response.on('error', () => {})
    })
    client.on('error', () => {})
    client.end()
  })
  for (let tries = 0; !cancelled && tries < 100; tries++) await wait(10)
  expect(cancelled).toBe(true)
})

test('a source that fails midway breaks the connection, so that half a body never passes for the whole', async () => {
  const { url } = await start(async message => {
    let sent = 0
    const stream = new ReadableStream<Uint8Array>({
      async pull(controller) {
        await wait(20)
        if (sent++ < 2) controller.enqueue(new TextEncoder().encode('part '))
        else if (message.target === '/fails') controller.error(new Error('upstream broke'))
        else controller.close()
      },
    })
    return new Response(stream)
  })
  expect(await (await fetch(`${url}/works`)).text()).toBe('part part ')
  await expect(fetch(`${url}/fails`).then(response => response.text())).rejects.toThrow()
  expect(await (await fetch(`${url}/works`)).text()).toBe('part part ')
})
