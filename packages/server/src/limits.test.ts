import { connect, type Socket } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import { readBody } from '@countersign/httpsig'
import { verifies } from '@countersign/requirements'
import { afterEach, describe, expect, test } from 'vitest'
import type { Participant } from './index.js'
import { closeAll, exchangeBytes, jsonOf, start, statusOf } from './serve.test.fixture.js'

afterEach(closeAll)

const ok = async (): Promise<Response> => new Response('ok')
const get = (headers: string): string => `GET / HTTP/1.1\r\nhost: h\r\nconnection: close\r\n${headers}\r\n`

describe('header blocks', () => {
  test(
    verifies('DOS-01', 'error.header-too-large', 'a header block that is too large is answered with 431'),
    async () => {
      const { port } = await start(ok)
      expect(statusOf(await exchangeBytes(port, get(`signature-key: ${'x'.repeat(7 * 1024)}\r\n`)))).toBe('200')
      for (const [headers, reason] of [
        [`signature-key: ${'x'.repeat(64 * 1024)}\r\n`, 'header_too_long'],
        ['x: y\r\n'.repeat(5000), 'header_lines_too_many'],
        ['a: b\r\n'.repeat(201), 'header_lines_too_many'],
      ] as const) {
        const answer = await exchangeBytes(port, get(headers))
        expect(statusOf(answer)).toBe('431')
        expect(jsonOf(answer)).toMatchObject({ error: 'invalid_request', reason })
      }
      expect(statusOf(await exchangeBytes(port, get('')))).toBe('200')
    },
  )

  test('bytes that are no HTTP get 400 in JSON', async () => {
    const { port } = await start(ok)
    for (const bytes of [
      'NONSENSE\r\n\r\n',
      get('x y: z\r\n'),
      'POST / HTTP/1.1\r\nhost: h\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n',
    ]) {
      const answer = await exchangeBytes(port, bytes)
      expect(statusOf(answer)).toBe('400')
      expect(jsonOf(answer)).toMatchObject({ error: 'invalid_request', reason: 'http_malformed' })
    }
  })

  test('garbage after a request is not answered in the place of that request', async () => {
    const { port } = await start(async () => {
      await new Promise(resolve => setTimeout(resolve, 50))
      return new Response('ok')
    })
    const answer = await exchangeBytes(port, 'GET / HTTP/1.1\r\nhost: h\r\n\r\nGARBAGE\r\n\r\n')
    expect(answer === '' || statusOf(answer) === '200').toBe(true)
  })
})

describe('bodies', () => {
  const echo: Participant['handle'] = async message => new Response(String((await readBody(message)).body?.length ?? 0))
  const post = (framing: string, body: string): string =>
    `POST / HTTP/1.1\r\nhost: h\r\nconnection: close\r\n${framing}\r\n\r\n${body}`
  const chunked = (length: number): string => `${length.toString(16)}\r\n${'x'.repeat(length)}\r\n0\r\n\r\n`

  test(
    verifies('error.body-too-large', 'a body over the limit is answered with 413, whatever its framing'),
    async () => {
      const { port } = await start(echo, { bodyLimit: 1000 })
      expect(await exchangeBytes(port, post('content-length: 1000', 'x'.repeat(1000)))).toMatch(/1000$/)
      expect(await exchangeBytes(port, post('transfer-encoding: chunked', chunked(1000)))).toContain('\r\n1000')
      for (const [framing, body] of [
        ['content-length: 1001', 'x'.repeat(1001)],
        ['transfer-encoding: chunked', chunked(1001)],
      ] as const) {
        const answer = await exchangeBytes(port, post(framing, body))
        expect(statusOf(answer)).toBe('413')
        expect(jsonOf(answer)).toMatchObject({ error: 'invalid_request' })
      }
    },
  )

  test('a client that sends all it has before it reads still gets the answer', async () => {
    const { port } = await start(echo, { bodyLimit: 1000 })
    const length = 4_000_000
    const text = await new Promise<string>((resolve, reject) => {
      const socket = connect(port, '127.0.0.1', () => {
        socket.pause()
        socket.write(post(`content-length: ${length}`, 'x'.repeat(length)), () => socket.resume())
      })
      let received = ''
      socket.setEncoding('latin1').on('data', chunk => {
        received += chunk
      })
      socket.on('close', () => resolve(received)).on('error', reject)
    })
    expect(statusOf(text)).toBe('413')
  })

  test('a body that is too large is refused before it is asked for', async () => {
    const { port } = await start(echo, { bodyLimit: 1000 })
    const expectation = (length: number): string => `content-length: ${length}\r\nexpect: 100-continue`
    const refused = await exchangeBytes(port, post(expectation(1001), ''))
    expect(statusOf(refused)).toBe('413')
    const asked = await exchangeBytes(port, post(expectation(3), 'abc'))
    expect(asked).toMatch(/^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 200 /)
  })

  test(verifies('sig.body.head-first', 'a body is not asked for before its head is known to be good'), async () => {
    const ask = async (verdict: 'good' | 'refused'): Promise<string> => {
      const handle: Participant['handle'] = async message => {
        await pause(20)
        if (verdict === 'refused') return new Response(null, { status: 401 })
        return new Response((await readBody(message)).body as BodyInit)
      }
      const { port } = await start(handle)
      return exchangeBytes(port, post('content-length: 3\r\nexpect: 100-continue', verdict === 'good' ? 'abc' : ''))
    }
    expect(await ask('good')).toMatch(/^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 200 [\s\S]*abc$/)
    expect(await ask('refused')).toMatch(/^HTTP\/1\.1 401 /)
  })
})

describe('slow peers', () => {
  function drip(port: number, head: string, byte: string): Promise<{ text: string; seconds: number }> {
    const started = performance.now()
    return new Promise((resolve, reject) => {
      const socket: Socket = connect(port, '127.0.0.1', () => socket.write(head))
      let text = ''
      const timer = setInterval(() => socket.writable && socket.write(byte), 20)
      socket.setEncoding('latin1').on('data', chunk => {
        text += chunk
      })
      socket.on('error', error => (text === '' ? reject(error) : undefined))
      socket.on('close', () => {
        clearInterval(timer)
        resolve({ text, seconds: (performance.now() - started) / 1000 })
      })
    })
  }

  test(verifies('DOS-05', 'headers or a body that trickle in run into a timeout and free their slot'), async () => {
    let handled = 0
    const { port } = await start(
      async message => {
        await readBody(message)
        handled++
        return new Response('ok')
      },
      { limits: { headersTimeout: 0.3, requestTimeout: 0.4 } },
    )
    const [headers, body] = await Promise.all([
      drip(port, 'GET / HTTP/1.1\r\nhost: h\r\nx: ', 'y'),
      drip(port, 'POST / HTTP/1.1\r\nhost: h\r\ncontent-length: 1000\r\n\r\n', 'y'),
    ])
    for (const { text, seconds } of [headers, body]) {
      expect(statusOf(text)).toBe('408')
      expect(jsonOf(text)).toMatchObject({ error: 'invalid_request', reason: 'request_too_slow' })
      expect(seconds).toBeLessThan(2)
    }
    expect(handled).toBe(0)
    expect(statusOf(await exchangeBytes(port, get('')))).toBe('200')
    expect(handled).toBe(1)
  })

  test('a peer that does not read its response is cut off', async () => {
    let cancelled = false
    const endless = (): ReadableStream<Uint8Array> =>
      new ReadableStream({
        pull: controller => controller.enqueue(new Uint8Array(64 * 1024)),
        cancel: () => {
          cancelled = true
        },
      })
    const { port } = await start(async () => new Response(endless()), { limits: { stall: 0.2 } })
    const socket = connect(port, '127.0.0.1', () => socket.write(get('')))
    socket.pause()
    socket.on('error', () => {})
    for (const end = performance.now() + 5000; !cancelled && performance.now() < end; ) {
      await new Promise(resolve => setTimeout(resolve, 20))
    }
    expect(cancelled).toBe(true)
    socket.destroy()
  })

  test(verifies('DOS-13', 'more connections than allowed are dropped, and the rest is served'), async () => {
    const { port } = await start(ok, { limits: { connections: 3 } })
    const idle = await Promise.all(
      Array.from(
        { length: 3 },
        () =>
          new Promise<Socket>(resolve => {
            const socket = connect(port, '127.0.0.1', () => resolve(socket))
          }),
      ),
    )
    expect(await exchangeBytes(port, get('')).catch(() => '')).toBe('')
    idle[0]?.write(get(''))
    const text = await new Promise<string>(resolve => idle[0]?.once('data', data => resolve(String(data))))
    expect(statusOf(text)).toBe('200')
    for (const socket of idle) socket.destroy()
  })
})
