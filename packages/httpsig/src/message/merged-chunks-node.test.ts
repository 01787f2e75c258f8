import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import { createServer as createHttp2Server, type Http2ServerRequest } from 'node:http2'
import { type AddressInfo, connect } from 'node:net'
import { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { setTimeout as pause } from 'node:timers/promises'
import { verifies } from '@countersign/requirements'
import { heldBytes } from '@countersign/testing/held-bytes'
import { stopsAfterTests } from '@countersign/testing/stops'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { dataFrame, endFrame, headFrame, preface } from '../http2-frames.test.fixture.js'
import { receiveNode } from '../node.js'
import { mergeChunks } from './merged-chunks-node.js'

const stops = stopsAfterTests()

type NodeRequest = IncomingMessage | Http2ServerRequest

/** The stream in which unread chunks wait. */
function inner(request: NodeRequest): Readable {
  return 'stream' in request ? request.stream : request
}

function pieces(stream: Readable): number {
  return (stream as unknown as { _readableState: { buffer: { length: number } } })._readableState.buffer.length
}

/** A server whose requests wait, unread, after `receiveNode` has received them. */
async function waiting(http2: boolean, before: () => Promise<unknown> = async () => undefined) {
  const requests: NodeRequest[] = []
  const listener = async (request: NodeRequest): Promise<void> => {
    request.on('error', () => undefined)
    await before()
    await receiveNode(request, { bodyLimit: 1_000_000, leaveBody: true }).catch(() => undefined)
    requests.push(request)
  }
  const server = http2 ? createHttp2Server(listener) : createServer(listener)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  stops.push(() => server.close())
  return { port: (server.address() as AddressInfo).port, requests }
}

interface Sending {
  write(bytes: string): void
  end(): void
  close(): void
}

async function overHttp1(port: number): Promise<Sending> {
  const socket = connect(port, '127.0.0.1')
  socket.on('error', () => undefined).resume()
  socket.write('POST / HTTP/1.1\r\nhost: a.example\r\ntransfer-encoding: chunked\r\n\r\n')
  return {
    write: bytes => void socket.write([...bytes].map(byte => `1\r\n${byte}\r\n`).join('')),
    end: () => void socket.write('0\r\n\r\n'),
    close: () => socket.destroy(),
  }
}

async function overHttp2(port: number): Promise<Sending> {
  const socket = connect(port, '127.0.0.1')
  socket.on('error', () => undefined).resume()
  socket.write(preface)
  socket.write(headFrame(1, Object.entries({ ':method': 'POST', ':scheme': 'http', ':path': '/', ':authority': 'a' })))
  return {
    write: bytes => void socket.write(Buffer.concat([...bytes].map(byte => dataFrame(1, byte)))),
    end: () => void socket.write(endFrame(1)),
    close: () => socket.destroy(),
  }
}

const versions: ReadonlyArray<readonly [string, (port: number) => Promise<Sending>, boolean]> = [
  ['HTTP/1.1', overHttp1, false],
  ['HTTP/2', overHttp2, true],
]
const digits = Array.from({ length: 20_000 }, (_, at) => String(at % 10)).join('')
const sent = digits.repeat(3)

describe.each(versions)('%s', (_, open, http2) => {
  test(verifies(
    'DIG-20',
    'limits.body-memory',
    'a body in one-byte chunks that waits for its reader is held in blocks',
  ), async () => {
    const many = 10
    const { port, requests } = await waiting(http2)
    /** Opens connections, and waits until as much has come as the server takes without a reader. */
    const opened = async (count: number): Promise<Sending[]> => {
      const all: Sending[] = []
      for (let at = 0; at < count; at++) {
        const sending = await open(port)
        sending.write(sent)
        all.push(sending)
      }
      const come = (): number => requests.filter(request => inner(request).readableLength > 12_000).length
      await expect.poll(come, { timeout: 10_000 }).toBe(count)
      return all
    }
    const [first] = await opened(1)
    first?.close()
    await pause(100)
    requests.length = 0
    const before = heldBytes()
    const all = await opened(many)
    const each = (): number => (heldBytes() - before) / many
    // What is still on its way from these clients counts as well, for a moment.
    await expect.poll(each, { timeout: 10_000, interval: 500 }).toBeLessThanOrEqual(2 * sent.length + 65_536)
    // A late reader gets all of it.
    for (const sending of all) sending.end()
    expect(await Promise.all(requests.map(request => text(request)))).toEqual(requests.map(() => sent))
    for (const sending of all) sending.close()
  }, 30_000)

  test('chunks that arrived before are merged as well', async () => {
    const { port, requests } = await waiting(http2, () => pause(300))
    const sending = await open(port)
    sending.write(digits)
    await expect.poll(() => requests.length, { timeout: 5000 }).toBe(1)
    const [request] = requests as [NodeRequest]
    expect(inner(request).readableLength).toBeGreaterThan(1000)
    expect(pieces(inner(request))).toBeLessThan(70)
    sending.end()
    expect(await text(request)).toBe(digits)
    sending.close()
  })
})

/** A stream that a test pushes chunks into, as an HTTP parser does. */
function pushed(): Readable {
  const stream = new Readable({ read: () => undefined })
  mergeChunks(stream as IncomingMessage)
  return stream
}

describe('the bytes stay in order, each once', () => {
  const step = fc.oneof(
    {
      weight: 12,
      arbitrary: fc.record({ push: fc.integer({ min: 1, max: 200 }), of: fc.integer({ min: 0, max: 60 }) }),
    },
    { weight: 1, arbitrary: fc.record({ push: fc.constant(2), of: fc.integer({ min: 4000, max: 9000 }) }) },
    { weight: 4, arbitrary: fc.record({ read: fc.option(fc.integer({ min: 0, max: 5000 })) }) },
    { weight: 2, arbitrary: fc.constant('tick' as const) },
    { weight: 1, arbitrary: fc.constantFrom('pause' as const, 'resume' as const) },
  )

  test.each(['read', 'data', 'readable'] as const)(
    'by %s',
    async way => {
      await fc.assert(
        fc.asyncProperty(fc.array(step, { maxLength: 60 }), async steps => {
          const stream = pushed()
          const [sent, got]: [Buffer[], Buffer[]] = [[], []]
          const take = (size?: number): void => {
            const chunk: Buffer | null = size === undefined ? stream.read() : stream.read(size)
            if (chunk !== null && way !== 'data') got.push(chunk)
          }
          if (way === 'data') stream.on('data', chunk => got.push(chunk))
          if (way === 'readable')
            stream.on('readable', () => {
              for (let chunk = stream.read(); chunk !== null; chunk = stream.read()) got.push(chunk)
            })
          let next = 0
          for (const step of steps) {
            if (step === 'tick') await pause(0)
            else if (step === 'pause' || step === 'resume') {
              if (way === 'data') stream[step]()
            } else if ('push' in step) {
              for (let at = 0; at < step.push; at++) {
                const chunk = Buffer.from(Array.from({ length: step.of }, () => next++ % 251))
                sent.push(chunk)
                stream.push(chunk)
              }
            } else if (way === 'read') take(step.read ?? undefined)
          }
          stream.push(null)
          if (way === 'data') stream.resume()
          const ended = once(stream, 'end')
          if (way === 'read') {
            await pause(0)
            while (stream.readableLength > 0) take()
            take()
          }
          await ended
          expect(Buffer.compare(Buffer.concat(got), Buffer.concat(sent))).toBe(0)
        }),
        { numRuns: 150 },
      )
    },
    60_000,
  )
})

test('a read of more bytes than wait is served as soon as they arrive', async () => {
  const stream = pushed()
  const got: string[] = []
  stream.on('readable', () => {
    for (let chunk = stream.read(500); chunk !== null; chunk = stream.read(500)) got.push(String(chunk))
  })
  // Nothing more comes after the 500th, and no end.
  for (let at = 0; at < 500; at++) stream.push(Buffer.from('x'))
  await expect.poll(() => got.join('').length).toBe(500)
  for (let at = 0; at < 1000; at++) {
    stream.push(Buffer.from('y'))
    if (at % 100 === 0) await pause(1)
  }
  await expect.poll(() => got.join('').length).toBe(1500)
})

test('a stream that holds more than its high-water mark stops its source', () => {
  const stream = pushed()
  let wanted = 0
  while (stream.push(Buffer.from('x'))) wanted++
  expect(wanted + 1).toBe(stream.readableHighWaterMark)
  let taken = 0
  while (stream.readableLength > 0) taken += stream.read()?.length ?? 0
  expect(taken).toBe(wanted + 1)
})

test.each([1, undefined])(
  verifies('DIG-20', 'limits.body-memory', 'a reader that takes little, often, lets no more wait (%s)'),
  size => {
    const stream = pushed()
    let taken = 0
    for (let turn = 0; turn < 1000; turn++) {
      for (let at = 0; at < 4; at++) stream.push(Buffer.from('x'))
      if (size === 1 || turn % 50 === 0) taken += stream.read(size)?.length ?? 0
    }
    expect(stream.readableLength).toBeGreaterThan(0)
    expect(pieces(stream)).toBeLessThan(80)
    stream.push(null)
    for (let chunk = stream.read(); chunk !== null; chunk = stream.read()) taken += chunk.length
    expect(taken).toBe(4000)
  },
)

test(verifies('DIG-20', 'limits.body-memory', 'the bound holds for a reader that pauses half-way'), () => {
  const stream = pushed()
  stream.on('data', () => stream.pause())
  stream.read(0)
  for (let at = 0; at < 10_000; at++) stream.push(Buffer.from('x'))
  expect(pieces(stream)).toBeLessThan(70)
})
