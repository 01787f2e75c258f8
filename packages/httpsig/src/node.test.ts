import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import * as http2 from 'node:http2'
import { type AddressInfo, connect } from 'node:net'
import { verifies } from '@countersign/requirements'
import { closing } from '@countersign/testing/closing'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { HttpSigError, type ReceivedMessage } from './index.js'
import { fromNode } from './node.js'
import { digestOf, get, post, send, verdict } from './signed-message.test.fixture.js'

interface Seen {
  readonly message?: ReceivedMessage
  readonly outcome: string
}

const seen: Seen[] = []

async function receive(request: IncomingMessage | http2.Http2ServerRequest): Promise<number> {
  try {
    const message = await fromNode(request, { bodyLimit: 1000 })
    const outcome = await verdict(message)
    seen.push({ message, outcome })
    return outcome === 'accepted' ? 200 : Number(outcome.slice(0, 3))
  } catch (error) {
    if (!(error instanceof HttpSigError)) throw error
    seen.push({ outcome: `${error.status} ${error.code}` })
    return error.status
  }
}

const server = createServer((request, response) => {
  void receive(request).then(status => response.writeHead(status, { connection: 'close' }).end())
})
const h2 = http2.createServer((request, response) => {
  void receive(request).then(status => response.writeHead(status).end())
})

beforeAll(async () => {
  for (const one of [server, h2]) await once(one.listen(0, '127.0.0.1'), 'listening')
})
afterAll(() => {
  server.close()
  h2.close()
})

const portOf = (one: { address(): unknown }): number => (one.address() as AddressInfo).port

/** Sends bytes as they are and returns the status line's code. */
async function raw(text: string): Promise<number> {
  const socket = connect(portOf(server), '127.0.0.1')
  const closed = closing(socket)
  socket.write(Buffer.from(text, 'latin1'))
  let answer = ''
  socket.on('data', chunk => {
    answer += chunk.toString('latin1')
    if (answer.includes('\r\n\r\n')) socket.end()
  })
  await closed
  return Number(answer.slice(9, 12))
}

function http1(message: ReceivedMessage, change: { target?: string; framing?: string; body?: string } = {}): string {
  const headers = message.headers.map(([name, value]) => `${name}: ${value}\r\n`).join('')
  const body = change.body ?? (message.body ? new TextDecoder().decode(message.body) : '')
  const framing = change.framing ?? (body === '' ? '' : `Content-Length: ${body.length}\r\n`)
  return `${message.method} ${change.target ?? message.target} HTTP/1.1\r\n${headers}${framing}\r\n${body}`
}

describe('HTTP/1.1', () => {
  test('the message is exactly what was sent', async () => {
    const message = send(get)
    expect(await raw(http1(message, { framing: 'X-A:  b \r\nx-a: \xe9\r\n' }))).toBe(200)
    expect(seen.at(-1)?.message).toMatchObject({ method: 'GET', target: '/events', peer: '127.0.0.1' })
    expect(seen.at(-1)?.message?.headers.filter(([name]) => name.toLowerCase() === 'x-a')).toEqual([
      ['X-A', 'b'],
      ['x-a', '\xe9'],
    ])
    expect(seen.at(-1)?.message?.body).toBeUndefined()
  })

  test(
    verifies('sig.body.bytes', 'DIG-12', 'DIG-13', 'DIG-14', 'a body is its bytes, whatever its framing'),
    async () => {
      const text = '{"title":"lunch"}'
      const chunked = `6\r\n${text.slice(0, 6)}\r\nb\r\n${text.slice(6)}\r\n0\r\n\r\n`
      const framing = 'Transfer-Encoding: chunked\r\n'
      expect(await raw(http1(send(post(text))))).toBe(200)
      expect(await raw(http1(send(post(text)), { framing, body: chunked }))).toBe(200)
      expect(new TextDecoder().decode(seen.at(-1)?.message?.body)).toBe(text)
      expect(await raw(http1(send({ ...get, method: 'POST' }), { framing, body: chunked }))).toBe(401)
      expect(await raw(http1(send(get), { body: 'x' }))).toBe(401)
      expect(await raw(http1(send({ ...get, method: 'POST' }), { framing: 'Content-Length: 0\r\n' }))).toBe(200)
      expect(await raw(http1(send({ ...get, method: 'POST' }), { framing, body: '0\r\n\r\n' }))).toBe(200)
    },
  )

  test(verifies('DIG-15', 'contradicting framings answer 400'), async () => {
    const text = '{"title":"lunch"}'
    const chunked = `11\r\n${text}\r\n0\r\n\r\n`
    expect(await raw(http1(send(post(text))))).toBe(200)
    for (const framing of [
      'Content-Length: 17\r\nTransfer-Encoding: chunked\r\n',
      'Transfer-Encoding: chunked\r\nContent-Length: 17\r\n',
      'Content-Length: 17\r\nContent-Length: 17\r\n',
      'Content-Length: 17\r\nContent-Length: 5\r\n',
      'Content-Length: +17\r\n',
      'Transfer-Encoding: gzip, chunked\r\n',
      'Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n',
      'Transfer-Encoding: xchunked\r\n',
    ])
      expect(
        await raw(http1(send(post(text)), { framing, body: framing.includes('chunked') ? chunked : text })),
        framing,
      ).toBe(400)
  })

  test(verifies('DIG-18', 'a pipelined second request is verified on its own'), async () => {
    const before = seen.length
    const both = http1(send(post('{}'))) + http1(send({ ...get, components: [] }))
    await raw(both)
    await expect
      .poll(() => new Set(seen.slice(before).map(({ outcome }) => outcome)))
      .toEqual(new Set(['accepted', '401 invalid_signature']))
    expect(seen.slice(before).map(({ message }) => message?.body?.length)).toEqual(
      expect.arrayContaining([2, undefined]),
    )
  })

  test('a body over the limit answers 413, announced or not', async () => {
    const large = 'x'.repeat(1001)
    expect(await raw(http1(send(post('x'.repeat(1000)))))).toBe(200)
    expect(await raw(http1(send(post(large))))).toBe(413)
    const chunked = `3e9\r\n${large}\r\n0\r\n\r\n`
    expect(await raw(http1(send(post(large)), { framing: 'Transfer-Encoding: chunked\r\n', body: chunked }))).toBe(413)
  })

  test(
    verifies('COV-24', 'COV-34', 'sig.target.form', 'two Host lines, absolute forms and fragments answer 400'),
    async () => {
      expect(await raw(http1(send(get), { framing: 'Host: evil.example\r\n' }))).toBe(400)
      for (const target of ['http://calendar.example/events', '/events#x', '//events', '/x/../events'])
        expect(await raw(http1(send(get), { target })), target).toBe(400)
    },
  )

  test(verifies('SIG-08', 'SIG-18', 'COV-37', 'lines are not joined, and no byte is lost'), async () => {
    const message = send(get)
    for (const [name, value] of message.headers.slice(1))
      expect(await raw(http1(message, { framing: `${name}: ${value}\r\n` })), name).toBe(401)
    expect(await raw(http1(message).replace(';created', '\x80;created'))).toBe(401)
    expect(await raw(http1(message).replace(';created', '\0;created'))).toBe(400)
    expect(await raw(http1(message).replace(';created', '\r\n ;created'))).toBe(400)
  })

  test('a request cut off in its body is refused', async () => {
    const before = seen.length
    const socket = connect(portOf(server), '127.0.0.1')
    const closed = closing(socket)
    socket.write(http1(send(post('{}')), { framing: 'Content-Length: 100\r\n' }))
    setTimeout(() => socket.destroy(), 50)
    await closed
    await expect.poll(() => seen.length).toBe(before + 1)
    expect(seen.at(-1)?.outcome).toBe('400 invalid_request')
  })
})

describe('HTTP/2', () => {
  async function stream(headers: http2.OutgoingHttpHeaders, body?: string): Promise<number> {
    const session = http2.connect(`http://127.0.0.1:${portOf(h2)}`)
    const request = session.request(headers, { endStream: body === undefined })
    if (body !== undefined) request.end(body)
    const [answer] = (await once(request, 'response')) as [http2.IncomingHttpHeaders & http2.IncomingHttpStatusHeader]
    request.resume()
    await once(request, 'end')
    session.close()
    return Number(answer[':status'])
  }

  const pseudo = (message: ReceivedMessage, authority = 'calendar.example'): http2.OutgoingHttpHeaders => ({
    ':method': message.method,
    ':path': message.target,
    ':authority': authority,
    ':scheme': 'http',
    ...Object.fromEntries(
      message.headers.filter(([name]) => name !== 'Host').map(([name, value]) => [name.toLowerCase(), value]),
    ),
  })

  test(verifies('SIG-23', 'sig.target.h2', 'the verdict is that of HTTP/1.1'), async () => {
    expect(await stream(pseudo(send(get)))).toBe(200)
    expect(seen.at(-1)?.message).toMatchObject({ method: 'GET', target: '/events' })
    expect(seen.at(-1)?.message?.headers[0]).toEqual(['host', 'calendar.example'])
    expect(seen.at(-1)?.message?.headers.some(([name]) => name.startsWith(':'))).toBe(false)
    expect(await stream(pseudo(send(get), 'evil.example'))).toBe(200)
    expect(await stream(pseudo(send({ ...get, authority: 'evil.example' }), 'evil.example'))).toBe(401)
    expect(await stream({ ...pseudo(send(get)), ':path': '/other' })).toBe(401)
  })

  test('a body is its bytes, too', async () => {
    const text = '{"title":"lunch"}'
    expect(await stream(pseudo(send(post(text))), text)).toBe(200)
    expect(await stream(pseudo(send({ ...get, method: 'POST' })), text)).toBe(401)
    expect(await stream(pseudo(send(post('x'.repeat(1001)))), 'x'.repeat(1001))).toBe(413)
    expect(digestOf(text)).toHaveLength(44)
  })

  test('a Host that differs from :authority answers 400', async () => {
    expect(await stream({ ...pseudo(send(get)), host: 'calendar.example' })).toBe(200)
    expect(await stream({ ...pseudo(send(get)), host: 'evil.example' })).toBe(400)
  })
})

test(
  verifies('DIG-13', 'sig.body.uncovered', 'a body that was read before is a TypeError, and never taken for none'),
  async () => {
    const outcomes: unknown[] = []
    const late = createServer((request, response) => {
      const read = request.url === '/read' ? once(request.resume(), 'end') : Promise.resolve([])
      void read
        .then(() => fromNode(request, { bodyLimit: 1000 }))
        .then(
          ({ body }) => outcomes.push(body?.length),
          error => outcomes.push(error.name),
        )
        .then(() => response.end())
    })
    await once(late.listen(0, '127.0.0.1'), 'listening')
    const url = `http://127.0.0.1:${portOf(late)}`
    for (const target of ['/read', '/plain']) await fetch(url + target, { method: 'POST', body: 'EVIL' })
    await fetch(`${url}/read`)
    late.close()
    expect(outcomes).toEqual(['TypeError', 4, undefined])
  },
)
