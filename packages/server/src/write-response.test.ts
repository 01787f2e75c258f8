import { request } from 'node:http'
import { connect, type Socket } from 'node:net'
import { afterEach, expect, test } from 'vitest'
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

test('a peer that reads nothing of a body that is whole loses the connection, one that reads slowly does not', async () => {
  const { port } = await start(async () => new Response(new Uint8Array(20_000_000)), { limits: { stall: 0.3 } })
  const ended = (socket: Socket): Promise<boolean> =>
    new Promise(resolve => {
      socket.on('error', () => {}).on('close', () => resolve(true))
      setTimeout(() => resolve(false), 4000)
    })
  const idle = connect(port, '127.0.0.1', () => idle.write(ask('GET')))
  idle.pause()
  // A paused socket does not notice that it was reset until it reads again.
  await wait(1000)
  idle.resume()
  let length = 0
  const whole = ended(idle.on('data', chunk => (length += chunk.length)))
  expect([await whole, length < 20_000_000]).toEqual([true, true])
  let read = 0
  const slow = connect(port, '127.0.0.1', () => slow.write(ask('GET')))
  slow.on('data', chunk => {
    read += chunk.length
    slow.pause()
    setTimeout(() => slow.resume(), chunk.length / 20_000)
  })
  expect([await ended(slow), read > 20_000_000]).toEqual([true, true])
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
