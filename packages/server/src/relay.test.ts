import { createServer, get, type IncomingMessage, type RequestListener } from 'node:http'
import { closeServer, listenOn } from '@countersign/testing/listening'
import { stopsAfterTests } from '@countersign/testing/stops'
import { afterEach, describe, expect, test } from 'vitest'
import type { Participant, ServeOptions, TracedExchange } from './index.js'
import { closeAll, exchangeBytes, start } from './serve.test.fixture.js'

afterEach(closeAll)
const stops = stopsAfterTests()

const ask = 'GET / HTTP/1.1\r\nhost: h\r\norigin: https://app.example\r\nconnection: close\r\n\r\n'

/** A participant that relays the answers of another server, with its `Content-Type` and whatever `lines` has. */
async function relaying(answer: RequestListener, lines: Record<string, string> = {}): Promise<Participant> {
  const server = createServer(answer)
  const port = await listenOn(server)
  stops.push(() => closeServer(server))
  const relay: Participant['relay'] = async () => {
    const body = await new Promise<IncomingMessage>((resolve, reject) =>
      get({ host: '127.0.0.1', port, agent: false }, resolve).on('error', reject),
    )
    const fields = new Map(Object.entries({ 'content-type': body.headers['content-type'] ?? 'none', ...lines }))
    const headers = {
      get: (name: string) => fields.get(name) ?? null,
      set: (name: string, value: string) => void fields.set(name, value),
      delete: (name: string) => void fields.delete(name),
      keys: () => fields.keys(),
      [Symbol.iterator]: () => fields.entries(),
    }
    return { status: body.statusCode ?? 0, headers, body }
  }
  return { relay, handle: () => Promise.reject(new Error('a participant that relays is asked for nothing else')) }
}

const asked = async (participant: Participant, options: Partial<ServeOptions> = {}): Promise<string> => {
  const { port } = await start(participant.handle, { participant, ...options })
  return exchangeBytes(port, ask)
}

const hello: RequestListener = (_, response) => response.writeHead(201, { 'content-type': 'text/plain' }).end('hello')

describe('an answer of another server', () => {
  test('goes out with the id of the request, unless it has one', async () => {
    const answer = await asked(await relaying(hello))
    expect(answer).toMatch(/^HTTP\/1\.1 201 Created\r\nx-request-id: [\w-]{36}\r\ncontent-type: text\/plain\r\n/)
    expect(answer).toMatch(/\r\n\r\nhello$/)
    const named = await asked(await relaying(hello, { 'x-request-id': 'its own' }))
    expect(named.match(/^x-request-id: .*$/gim)).toEqual(['x-request-id: its own'])
  })

  test('of another length than its headers say is cut off, and one of that length goes out', async () => {
    const parts: RequestListener = (_, response) => {
      response.write('he')
      setTimeout(() => response.end('llo'), 20)
    }
    expect(await asked(await relaying(parts, { 'content-length': '5' }))).toMatch(/\r\n\r\nhello$/)
    for (const [length, sent] of [
      ['3', 'he'],
      ['9', 'hello'],
    ] as const) {
      const participant = await relaying(parts, { 'content-length': length })
      const { port } = await start(participant.handle, { participant, limits: { keepAliveTimeout: 60 } })
      // The connection may stay, and is closed all the same.
      const answer = await exchangeBytes(port, 'GET / HTTP/1.1\r\nhost: h\r\n\r\n')
      expect(answer.split('\r\n\r\n')[1]).toBe(sent)
    }
    // Of a body that is there as a whole the length is known.
    for (const length of ['3', '9'])
      expect(await asked(await relaying(hello, { 'content-length': length }))).toMatch(
        /\r\ncontent-length: 5\r\n(?:.*\r\n)*\r\nhello$/i,
      )
  })

  test('has a final status: of another one, and of CONNECT, the caller gets nothing', async () => {
    const relayed = await relaying(hello)
    expect(await asked(relayed)).toMatch(/^HTTP\/1\.1 201 /)
    for (const status of [100, 101, 199]) {
      const relay: Participant['relay'] = async message => {
        const answer = await relayed.relay?.(message)
        if (answer === undefined || answer instanceof Response) throw new Error('not relayed')
        return { ...answer, status }
      }
      const participant = { ...relayed, relay }
      const { port } = await start(relayed.handle, { participant })
      await expect(exchangeBytes(port, ask)).resolves.toBe('')
    }
    const { port } = await start(relayed.handle, { participant: relayed })
    const tunnel = 'CONNECT h:443 HTTP/1.1\r\nhost: h:443\r\n\r\nGET / HTTP/1.1\r\nhost: h\r\n\r\n'
    await expect(exchangeBytes(port, tunnel)).resolves.toBe('')
  })

  test('is readable for the pages that may read it', async () => {
    const open = { 'access-control-allow-origin': '*', 'access-control-allow-credentials': 'true' }
    const answer = await asked(await relaying(hello, open), { cors: ['https://app.example'] })
    expect(answer).toMatch(/\r\naccess-control-allow-origin: https:\/\/app\.example\r\n/)
    expect(answer).not.toMatch(/allow-credentials/)
  })

  test('is traced, a stream as far as it has come', async () => {
    const traced: TracedExchange[] = []
    const options = { development: true, id: 'http://localhost:1', trace: (one: TracedExchange) => traced.push(one) }
    const { host: _, ...rest } = { host: '127.0.0.1', ...options }
    await asked(await relaying(hello), rest)
    expect(traced[0]?.response).toMatchObject({ status: 201, body: 'hello' })
    const events: RequestListener = (_, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' }).write('data: 1\n\n')
      setTimeout(() => response.end('data: 2\n\n'), 600)
    }
    await asked(await relaying(events), rest)
    expect(traced[1]?.response).toMatchObject({ status: 200, body: 'data: 1\n\n[stream]' })
  })

  test('says that the connection closes while the server drains', async () => {
    let close: (() => Promise<void>) | undefined
    const slow: RequestListener = (_, response) => {
      void close?.()
      setTimeout(() => response.end('hello'), 50)
    }
    const participant = await relaying(slow)
    const running = await start(participant.handle, { participant })
    close = () => running.close()
    const answer = await exchangeBytes(running.port, 'GET / HTTP/1.1\r\nhost: h\r\n\r\n')
    expect(answer).toMatch(/\r\nconnection: close\r\n/)
    expect(answer).toMatch(/\r\n\r\nhello$/)
  })

  test('that cannot be sent breaks the connection', async () => {
    let isClosed = false
    const answer: RequestListener = (_, response) => {
      response.on('close', () => {
        isClosed = true
      })
      response.writeHead(200, { 'content-type': 'text/plain' }).write('half')
    }
    const participant = await relaying(answer, { 'x-wrong': 'a\0b' })
    await expect(asked(participant)).resolves.toBe('')
    await expect.poll(() => isClosed).toBe(true)
  })
})
