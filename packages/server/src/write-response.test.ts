import { request } from 'node:http'
import { connect, type Socket } from 'node:net'
import { Worker } from 'node:worker_threads'
import { textResponse } from '@countersign/protocol'
import { afterEach, describe, expect, test } from 'vitest'
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
  const steps: string[] = []
  const { url } = await start(async () => {
    const stream = new ReadableStream<Uint8Array>({
      async start(controller) {
        for (const event of ['one', 'two', 'three']) {
          steps.push(`sent ${event}`)
          controller.enqueue(new TextEncoder().encode(`data: ${event}\n\n`))
          await wait(60)
        }
        controller.close()
      },
    })
    return new Response(stream, { headers: { 'content-type': 'text/event-stream' } })
  })
  const response = await fetch(url)
  for await (const chunk of response.body ?? []) steps.push(`got ${new TextDecoder().decode(chunk).trim().slice(6)}`)
  expect(steps).toEqual(['sent one', 'got one', 'sent two', 'got two', 'sent three', 'got three'])
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

  /** Reads on a thread of its own, whatever becomes of this one. */
  const slowReader = (port: number): Promise<number> =>
    new Promise((resolve, reject) => {
      const code = `
        const { connect } = require('node:net')
        const { parentPort, workerData: { port, text } } = require('node:worker_threads')
        let read = 0
        const slow = connect(port, '127.0.0.1', () => slow.write(text))
        slow.on('data', chunk => {
          read += chunk.length
          slow.pause()
          setTimeout(() => slow.resume(), chunk.length / 30_000)
        })
        slow.on('error', () => {}).on('close', () => parentPort.postMessage(read))`
      const reader = new Worker(code, { eval: true, workerData: { port, text: ask('GET') } })
      reader.once('message', resolve).once('error', reject)
    })

  test('one that reads slowly keeps it, also when it is the server that stood still', async () => {
    const { port } = await start(async () => large(), { limits: { stall: 0.2 } })
    const reading = slowReader(port)
    const block = (): void => {
      const until = performance.now() + 220
      while (performance.now() < until);
    }
    // Not as a timer itself: timers are what comes first afterwards.
    const blocking = setInterval(() => setImmediate(block), 20)
    const read = await reading
    clearInterval(blocking)
    expect(read).toBeGreaterThan(bytes)
  })
})

test('when the peer goes away the source is told', async () => {
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
