import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import { createServer as createHttp2Server, type Http2ServerRequest } from 'node:http2'
import { type AddressInfo, connect } from 'node:net'
import type { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { setTimeout as pause } from 'node:timers/promises'
import { verifies } from '@countersign/requirements'
import { closing } from '@countersign/testing/closing'
import { stopsAfterTests } from '@countersign/testing/stops'
import { describe, expect, test } from 'vitest'
import { bodyStream } from '../internal-node.js'
import { receiveNode } from '../node.js'
import { sendingOver } from '../sent-body.test.fixture.js'

type NodeRequest = IncomingMessage | Http2ServerRequest

const stops = stopsAfterTests()

/** A request that a server has received and left unread, its body as a stream, and its sender. */
async function received(http2: boolean) {
  const server = http2 ? createHttp2Server() : createServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const arrived = once(server, 'request')
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1')
  const closed = closing(socket)
  let said = ''
  socket.on('data', data => (said += data.toString('latin1')))
  stops.push(async () => {
    socket.destroy()
    await closed
    server.close()
  })
  const sending = sendingOver(http2, socket)
  const [request, response] = (await arrived) as [NodeRequest, { end(text: string): void }]
  await receiveNode(request, { bodyLimit: 1_000_000, leaveBody: true })
  return { request, response, sending, socket, server, stream: bodyStream(request), said: () => said }
}

/** The stream in which unread chunks wait. */
function inner(request: NodeRequest): Readable {
  return 'stream' in request ? request.stream : request
}

function pieces(stream: Readable): number {
  return (stream as unknown as { _readableState: { buffer: { length: number } } })._readableState.buffer.length
}

const listeners = (request: NodeRequest): number =>
  ['data', 'readable', 'end'].reduce((sum, name) => sum + request.listenerCount(name), 0)

const digits = Array.from({ length: 12_000 }, (_, at) => String(at % 10))

describe.each([
  ['HTTP/1.1', false],
  ['HTTP/2', true],
] as const)('%s', (_, http2) => {
  test('all bytes arrive in order, when they are read', async () => {
    const { stream, sending } = await received(http2)
    const reader = stream.getReader()
    const first = reader.read()
    sending.send('ab')
    expect(Buffer.from((await first).value ?? []).toString()).toBe('ab')
    reader.releaseLock()
    sending.send(...digits)
    sending.end()
    expect(await text(stream)).toBe(digits.join(''))
  })

  test('an empty body ends', async () => {
    const { stream, sending } = await received(http2)
    sending.end()
    expect(await text(stream)).toBe('')
  })

  test(
    verifies('DIG-20', 'limits.body-memory', 'before its reader begins and while it pauses, small chunks wait merged'),
    async () => {
      const { request, stream, sending } = await received(http2)
      const before = listeners(request)
      sending.send(...digits)
      await expect.poll(() => inner(request).readableLength, { timeout: 5000 }).toBeGreaterThan(8000)
      expect(pieces(inner(request))).toBeLessThan(80)
      const reader = stream.getReader()
      let got = ''
      const take = async (): Promise<void> => {
        got += Buffer.from((await reader.read()).value ?? []).toString()
      }
      await take()
      sending.send(...digits)
      await pause(100)
      for (const place of [request, inner(request)]) expect(pieces(place)).toBeLessThan(80)
      sending.end()
      while (got.length < 2 * digits.length) await take()
      expect(got).toBe(digits.join('').repeat(2))
      expect((await reader.read()).done).toBe(true)
      expect(listeners(request), 'nothing listens that did not before').toBeLessThanOrEqual(before)
    },
  )

  test('a waiting reader gets the error of a request that is cut off', async () => {
    const { stream, sending } = await received(http2)
    const reader = stream.getReader()
    sending.send('ab')
    await reader.read()
    const next = reader.read().then(
      () => 'read',
      () => 'failed',
    )
    sending.cut()
    expect(await next).toBe('failed')
    await expect(reader.read()).rejects.toThrow()
  })

  test('a reader that starts afterwards gets the same error', async () => {
    const { request, stream, sending } = await received(http2)
    sending.send('ab')
    await expect.poll(() => inner(request).readableLength).toBe(2)
    const gone = new Promise(resolve => request.once('close', resolve))
    request.on('error', () => undefined)
    sending.cut()
    await gone
    await expect(text(stream)).rejects.toThrow()
  })

  test('cancelling ends a pending read and drops the rest', async () => {
    const { request, response, stream, sending, said } = await received(http2)
    const reader = stream.getReader()
    const waiting = reader.read()
    await pause(10)
    await reader.cancel()
    expect((await waiting).done).toBe(true)
    for (let at = 0; at < 4; at++) sending.send('x'.repeat(10_000))
    sending.end()
    await expect.poll(() => request.readableEnded, { timeout: 5000 }).toBe(true)
    expect(request.readableAborted).toBe(false)
    response.end('done')
    await expect.poll(said, { timeout: 5000 }).toContain('done')
  })

  test('a chunk does not share its memory', async () => {
    const { request, stream, sending } = await received(http2)
    sending.send('ab', 'cd')
    await expect.poll(() => inner(request).readableLength).toBe(4)
    const { value } = await stream.getReader().read()
    expect(value?.buffer.byteLength).toBe(value?.length)
    expect(Buffer.isBuffer(value)).toBe(false)
  })
})

test('a sender waits for the reader', async () => {
  const { request, stream, sending } = await received(false)
  const large = 'x'.repeat(10_000)
  for (let at = 0; at < 100; at++) sending.send(large)
  await pause(100)
  expect(request.readableLength).toBeLessThan(300_000)
  const reader = stream.getReader()
  await reader.read()
  await pause(100)
  expect(request.readableLength).toBeLessThan(300_000)
  reader.releaseLock()
  await stream.cancel()
})

test('a connection whose body was cancelled serves the next request', async () => {
  const { response, stream, sending, socket, server, said } = await received(false)
  sending.send('x'.repeat(1000))
  await stream.cancel()
  response.end('one')
  const next = once(server, 'request')
  sending.send('x'.repeat(1000))
  sending.end()
  socket.write('GET / HTTP/1.1\r\nhost: a.example\r\n\r\n')
  const [, second] = (await next) as [IncomingMessage, { end(text: string): void }]
  second.end('two')
  await expect.poll(said).toMatch(/one.*two/s)
})
