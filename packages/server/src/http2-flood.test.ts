import { connect } from 'node:net'
import { verifies } from '@countersign/requirements'
import { afterEach, expect, test } from 'vitest'
import { closeAll, exchangeBytes, start, statusOf } from './serve.test.fixture.js'

// The server speaks HTTP/1.1 only: what floods HTTP/2 is bytes it does not understand, and the end of their connection.

afterEach(closeAll)

const preface = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'
const get = 'GET / HTTP/1.1\r\nhost: h\r\nconnection: close\r\n\r\n'

/** RFC 9113 §4.1. */
function frame(type: number, flags: number, stream: number, payload: Buffer = Buffer.alloc(0)): Buffer {
  const head = Buffer.alloc(9)
  head.writeUIntBE(payload.length, 0, 3)
  head[3] = type
  head[4] = flags
  head.writeUInt32BE(stream, 5)
  return Buffer.concat([head, payload])
}

// GET / https (RFC 7541 appendix A: indices 2, 4, 7).
const request = Buffer.from([0x82, 0x84, 0x87])
const settings = frame(4, 0, 0)
const resets = Array.from({ length: 10_000 }, (_, index) => [
  frame(1, 5, 2 * index + 1, request),
  frame(3, 0, 2 * index + 1, Buffer.from([0, 0, 0, 8])),
]).flat()
const continuations = [frame(1, 0, 1, request), ...Array(10_000).fill(frame(9, 0, 1, Buffer.alloc(100, 0x40)))]

/** Sends bytes on one connection and returns all that it received until its end. */
function flooded(port: number, bytes: Buffer): Promise<string> {
  return new Promise(resolve => {
    const socket = connect(port, '127.0.0.1', () => socket.write(bytes))
    let text = ''
    socket.setEncoding('latin1').on('data', chunk => {
      text += chunk
    })
    socket.on('error', () => {})
    socket.on('close', () => resolve(text))
  })
}

test.each([
  ['a rapid reset', resets],
  ['a flood of CONTINUATION', continuations],
  ['a flood of SETTINGS', Array(10_000).fill(settings)],
  ['a flood of PING', Array(10_000).fill(frame(6, 0, 0, Buffer.alloc(8)))],
])(verifies('DOS-13', '%s runs no handler, and everyone else is served'), async (_, frames) => {
  let handled = 0
  const { port } = await start(async () => {
    handled++
    return new Response('ok')
  })
  const bytes = Buffer.concat([Buffer.from(preface), settings, ...frames])
  const [answer, served] = await Promise.all([flooded(port, bytes), exchangeBytes(port, get)])
  expect(answer === '' || statusOf(answer) === '400').toBe(true)
  expect([statusOf(served), handled]).toEqual(['200', 1])
})

test(verifies('DOS-13', 'an upgrade to HTTP/2 in clear text is not taken'), async () => {
  const { port } = await start(async () => new Response('ok'))
  const upgrade = 'connection: upgrade, http2-settings, close\r\nupgrade: h2c\r\nhttp2-settings: AAMAAABkAAQAAP__\r\n'
  const answer = await exchangeBytes(port, `GET / HTTP/1.1\r\nhost: h\r\n${upgrade}\r\n`)
  expect(answer).not.toContain('101')
  expect(statusOf(answer)).toBe('200')
})
