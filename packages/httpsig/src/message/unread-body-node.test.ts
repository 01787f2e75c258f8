import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import { createServer as createHttp2Server, type Http2ServerRequest } from 'node:http2'
import { type AddressInfo, connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { setTimeout as pause } from 'node:timers/promises'
import { verifies } from '@countersign/requirements'
import { closing } from '@countersign/testing/closing'
import { stopsAfterTests } from '@countersign/testing/stops'
import { describe, expect, test } from 'vitest'
import { readBody, type UnreadBody } from '../index.js'
import { type ReceiveOptions, receiveNode } from '../node.js'
import { sendingOver } from '../sent-body.test.fixture.js'

type NodeRequest = IncomingMessage | Http2ServerRequest

const stops = stopsAfterTests()

/** A request whose body is unread, and its sender. */
async function received(http2: boolean, options: Partial<ReceiveOptions> = {}) {
  const server = http2 ? createHttp2Server() : createServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const arrived = once(server, 'request')
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1').on('error', () => undefined)
  const closed = closing(socket)
  socket.resume()
  stops.push(async () => {
    socket.destroy()
    await closed
    server.close()
  })
  const sending = sendingOver(http2, socket)
  const [request] = (await arrived) as [NodeRequest]
  request.on('error', () => undefined)
  const message = await receiveNode(request, { bodyLimit: 1000, ...options })
  const { unread } = message
  if (unread === undefined) throw new Error('the body is not unread')
  return { request, message, unread, sending, socket }
}

/** Waits until a body that nothing reads has arrived. */
async function untilArrived(request: NodeRequest, bytes: number): Promise<void> {
  const stream = 'stream' in request ? request.stream : request
  await expect.poll(() => stream.readableLength, { timeout: 5000 }).toBe(bytes)
}

const closed = (request: NodeRequest): Promise<unknown> => new Promise(resolve => request.once('close', resolve))
const shown = (bytes: Uint8Array | undefined): string | undefined => bytes && Buffer.from(bytes).toString()
const cutOff = { code: 'invalid_request', reason: 'request_cut_off', status: 400 }

const ways: ReadonlyArray<readonly [string, (body: UnreadBody) => Promise<unknown>]> = [
  ['bytes', body => body.bytes()],
  ['hasByte', body => body.hasByte()],
]

describe.each([
  ['HTTP/1.1', false],
  ['HTTP/2', true],
] as const)('%s', (_, http2) => {
  describe.each([
    ['taken', false],
    ['left', true],
  ] as const)('a body that is %s', (_, leaveBody) => {
    const receive = (options: Partial<ReceiveOptions> = {}) => received(http2, { leaveBody, ...options })

    test('is read once: each call of bytes gets the same promise', async () => {
      const { unread, sending, message } = await receive()
      sending.send('ab', 'cd')
      const bytes = unread.bytes()
      expect(unread.bytes()).toBe(bytes)
      sending.end()
      expect(shown(await bytes)).toBe('abcd')
      expect(unread.bytes()).toBe(bytes)
      const whole = await readBody(message)
      expect([shown(whole.body), 'unread' in whole]).toEqual(['abcd', false])
      expect(await readBody(whole)).toBe(whole)
      expect(await unread.hasByte()).toBe(true)
    })

    test('is whole after its first byte was awaited', async () => {
      const { unread, sending } = await receive()
      const first = unread.hasByte()
      sending.send('ab')
      expect(await first).toBe(true)
      sending.send('cd')
      sending.end()
      expect(await unread.hasByte()).toBe(true)
      expect(shown(await unread.bytes())).toBe('abcd')
    })

    test('has arrived before it is read', async () => {
      const { request, unread, sending } = await receive()
      sending.send('ab', 'cd')
      sending.end()
      await untilArrived(request, 4)
      expect(await unread.hasByte()).toBe(true)
      expect(shown(await unread.bytes())).toBe('abcd')
    })

    test(verifies('DIG-14', 'has no byte, whatever its framing, and counts as none'), async () => {
      for (const isAwaited of [false, true]) {
        const { message, unread, sending } = await receive()
        sending.end()
        if (isAwaited) expect(await unread.hasByte()).toBe(false)
        expect(await unread.bytes()).toBe(undefined)
        expect(await unread.hasByte()).toBe(false)
        const whole = await readBody(message)
        expect(['body' in whole, 'unread' in whole]).toEqual([false, false])
      }
    })

    test(verifies('error.body-too-large', 'is refused when it is larger than the limit, and stays so'), async () => {
      const { unread, sending } = await receive({ bodyLimit: 3 })
      sending.send('ab', 'cd')
      sending.end()
      const tooLarge = { reason: 'body_too_large', status: 413 }
      await expect(unread.bytes()).rejects.toMatchObject(tooLarge)
      await expect(unread.bytes()).rejects.toMatchObject(tooLarge)
    })

    test.each(ways)(
      verifies('DIG-19', 'is lost when its caller goes while it waits, and is not taken for none (%s)'),
      async (_, read) => {
        for (const parts of [[], ['ab']]) {
          const { request, unread, sending } = await receive()
          sending.send(...parts)
          await untilArrived(request, parts.join('').length)
          const gone = closed(request)
          sending.cut()
          await gone
          await expect(read(unread)).rejects.toMatchObject(cutOff)
          await expect(unread.bytes()).rejects.toMatchObject(cutOff)
        }
      },
    )

    test.each(ways)('is lost when its caller goes once it has all arrived (%s)', async (_, read) => {
      const { request, unread, sending, socket } = await receive()
      sending.send('ab')
      sending.end()
      await untilArrived(request, 2)
      const gone = closed(request)
      socket.destroy()
      await gone
      await expect(read(unread)).rejects.toMatchObject(cutOff)
    })

    test('is refused when its caller goes while it is read', async () => {
      for (const parts of [[], ['ab']]) {
        const { unread, sending } = await receive()
        sending.send(...parts)
        const bytes = unread.bytes().then(shown, error => error)
        await pause(20)
        sending.cut()
        expect(await bytes).toMatchObject({ code: 'invalid_request' })
        await expect(unread.bytes()).rejects.toMatchObject({ code: 'invalid_request' })
      }
    })

    test('is announced to onRead once, before anything is read', async () => {
      const waiting: number[] = []
      const told = await receive({ onRead: () => waiting.push(0) })
      told.sending.send('ab')
      told.sending.end()
      await untilArrived(told.request, 2)
      expect(waiting).toEqual([])
      const first = told.unread.hasByte()
      expect(waiting).toEqual([0])
      expect(told.request.readableDidRead).toBe(false)
      await first
      await told.unread.bytes()
      await readBody(told.message)
      expect(waiting).toEqual([0])
    })
  })

  test(verifies('DIG-17', 'leaveBody leaves exactly the bytes to the next reader'), async () => {
    const long = 'x'.repeat(400)
    for (const early of [true, false])
      for (const read of [readBody, async () => undefined]) {
        const { request, message, unread, sending } = await received(http2, { leaveBody: true })
        const send = async (): Promise<void> => {
          sending.send('{"a"', ':1}', long)
          sending.end()
        }
        if (early) {
          await send()
          await untilArrived(request, 407)
        }
        const has = unread.hasByte()
        if (!early) await send()
        expect(await has).toBe(true)
        await read(message)
        expect(await text(request)).toBe(`{"a":1}${long}`)
      }
  })

  test('a body that is taken leaves nothing', async () => {
    const { request, unread, sending } = await received(http2)
    sending.send('ab')
    sending.end()
    expect(shown(await unread.bytes())).toBe('ab')
    await expect.poll(() => request.readableLength).toBe(0)
  })

  test(verifies('DIG-13', 'a body that something else reads meanwhile is a TypeError'), async () => {
    const others: ReadonlyArray<(request: NodeRequest) => unknown> = [
      request => request.on('data', () => undefined),
      request => request.resume(),
      request => request.setEncoding('utf8'),
    ]
    for (const [, read] of ways)
      for (const other of others) {
        const { request, unread, sending } = await received(http2, { leaveBody: true })
        other(request)
        sending.send('ab')
        await expect(read(unread)).rejects.toThrow(TypeError)
      }
  })
})

test('a request without a body has none to read, and onRead is not called', async () => {
  let told = 0
  const server = createServer()
  server.listen(0, '127.0.0.1')
  stops.push(() => server.close())
  await once(server, 'listening')
  const arrived = once(server, 'request')
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1')
  socket.write('POST / HTTP/1.1\r\nhost: a.example\r\ncontent-length: 0\r\n\r\n')
  const [request] = (await arrived) as [IncomingMessage]
  const message = await receiveNode(request, { bodyLimit: 10, requestId: 'r1', onRead: () => told++ })
  expect([message.requestId, 'unread' in message, 'body' in message]).toEqual(['r1', false, false])
  expect(await readBody(message)).toBe(message)
  expect(told).toBe(0)
  socket.destroy()
})
