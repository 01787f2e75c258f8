import { once } from 'node:events'
import { createServer, type IncomingMessage, request as send } from 'node:http'
import * as http2 from 'node:http2'
import { type AddressInfo, connect } from 'node:net'
import { PassThrough } from 'node:stream'
import { buffer, text } from 'node:stream/consumers'
import { verifies } from '@countersign/requirements'
import { closing } from '@countersign/testing/closing'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { peekNode } from './node.js'

type Incoming = IncomingMessage | http2.Http2ServerRequest

/** What the server does with a request; its outcome is the answer. */
let act: (request: Incoming) => Promise<string>
const outcome = (request: Incoming): Promise<string> =>
  act(request).catch((error: Error) => `${error.name}: ${error.message}`)

const server = createServer((request, response) => {
  void outcome(request).then(answer => response.end(answer))
})
const h2 = http2.createServer((request, response) => {
  void outcome(request).then(answer => response.end(answer))
})
beforeAll(async () => {
  for (const one of [server, h2]) await once(one.listen(0, '127.0.0.1'), 'listening')
})
afterAll(() => {
  server.close()
  h2.close()
})

const portOf = (one: { address(): unknown }): number => (one.address() as AddressInfo).port

/** Sends a body in pieces, each once the one before is on its way. */
async function post(pieces: readonly string[], headers: Record<string, string> = {}): Promise<string> {
  const request = send({ port: portOf(server), method: 'POST', headers })
  for (const piece of pieces) await new Promise(resolve => request.write(piece, resolve))
  request.end()
  const [response] = await once(request, 'response')
  return text(response)
}

async function post2(pieces: readonly string[]): Promise<string> {
  const client = http2.connect(`http://127.0.0.1:${portOf(h2)}`)
  const stream = client.request({ ':method': 'POST', ':path': '/' })
  for (const piece of pieces) await new Promise(resolve => stream.write(piece, resolve))
  stream.end()
  const answer = await text(stream)
  client.close()
  return answer
}

const peek = async (request: Incoming, bodyLimit = 200_000): Promise<string> => {
  const { body } = await peekNode(request, { bodyLimit })
  return body === undefined ? '-' : Buffer.from(body).toString()
}

const readers: ReadonlyArray<readonly [string, (request: Incoming) => Promise<string>]> = [
  [
    'events',
    async request => {
      const chunks: Buffer[] = []
      request.on('data', (chunk: Buffer) => chunks.push(chunk))
      await once(request, 'end')
      return Buffer.concat(chunks).toString()
    },
  ],
  ['iteration', async request => (await buffer(request)).toString()],
  ['a pipe', request => text(request.pipe(new PassThrough()))],
  [
    'pulling',
    async request => {
      let all = ''
      request.on('readable', () => {
        for (let chunk = request.read(); chunk !== null; chunk = request.read()) all += chunk
      })
      await once(request, 'end')
      return all
    },
  ],
  [
    'text events',
    async request => {
      let all = ''
      request.setEncoding('utf8').on('data', chunk => {
        all += chunk
      })
      await once(request, 'end')
      return all
    },
  ],
]

describe('peekNode', () => {
  const large = ['ü'.repeat(40_000), 'y'.repeat(70_000)]

  test.each(readers)(
    verifies('DIG-17', 'sig.body.bytes', 'leaves the very bytes to who reads by %s'),
    async (_, read) => {
      act = async request => {
        const peeked = await peek(request)
        // The next reader may be slow.
        await new Promise(resolve => setTimeout(resolve, 5))
        return peeked === (await read(request)) ? `same ${peeked.length}` : 'different'
      }
      for (const pieces of [['{"a":1}'], ['{"a"', ':1}']]) {
        expect(await post(pieces)).toBe('same 7')
        expect(await post(pieces, { 'content-length': '7' })).toBe('same 7')
        expect(await post2(pieces)).toBe('same 7')
      }
      expect([await post(large), await post2(large)]).toEqual(['same 110000', 'same 110000'])
    },
  )

  test('reads bodies that have arrived already', async () => {
    act = async request => ((await peek(request)) === (await text(request)) ? 'same' : 'different')
    expect([await post(['x']), await post2(['x'])]).toEqual(['same', 'same'])
  })

  test(verifies('DIG-14', 'an empty body counts as none'), async () => {
    act = peek
    expect([await post([]), await post([], { 'content-length': '0' }), await post2([])]).toEqual(['-', '-', '-'])
    expect(await post(['x'])).toBe('x')
  })

  test(verifies('error.body-too-large', 'no more than the limit is read'), async () => {
    act = request => peek(request, 5)
    for (const headers of [{}, { 'content-length': '6' }]) {
      expect(await post(['abc', 'def'], headers)).toBe(
        'HttpSigError: The body is larger than this endpoint accepts, or arrives in more small chunks than its limit allows.',
      )
    }
    expect(await post(['abc', 'de'])).toBe('abcde')
    expect(await post2(['abc', 'def'])).toBe(
      'HttpSigError: The body is larger than this endpoint accepts, or arrives in more small chunks than its limit allows.',
    )
  })

  test(verifies('DIG-13', 'a body that is read already, or by another listener, is a TypeError'), async () => {
    const before: ReadonlyArray<(request: Incoming) => unknown> = [
      request => text(request),
      request => request.on('data', () => undefined),
      request => request.on('readable', () => undefined),
      request => request.resume(),
      request => request.setEncoding('utf8'),
    ]
    for (const read of before) {
      act = async request => {
        await read(request)
        return peek(request)
      }
      expect(await post(['abc']), String(read)).toMatch(/^TypeError: /)
    }
    act = async request => peek(request.pause())
    expect(await post(['abc'])).toBe('abc')
  })

  test('a request cut off is refused', async () => {
    const seen = new Promise<string>(resolve => {
      act = async request => {
        resolve(await peek(request).catch((error: Error) => error.message))
        return ''
      }
    })
    const socket = connect(portOf(server), '127.0.0.1')
    socket.write('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nabc')
    setTimeout(() => socket.destroy(), 20)
    expect(await seen).toMatch(/cut off|could not be read/)
  })

  test(verifies('DIG-18', 'an unread body does not block the next request'), async () => {
    act = peek
    const socket = connect(portOf(server), '127.0.0.1')
    const one = 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc'
    let answers = ''
    socket.on('data', chunk => {
      answers += chunk
      if (answers.split('abc').length > 3) socket.end()
    })
    const closed = closing(socket)
    socket.write(one + one)
    await once(socket, 'data')
    socket.write(one)
    await closed
    expect(answers.match(/200 OK/g)).toHaveLength(3)
  })
})
