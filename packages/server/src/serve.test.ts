import { connect } from 'node:net'
import { AAuthError } from '@countersign/protocol'
import { verifies } from '@countersign/requirements'
import { afterEach, describe, expect, test } from 'vitest'
import { type Participant, type Running, type ServeOptions, serve } from './index.js'

const running: Running[] = []
afterEach(async () => {
  await Promise.all(running.splice(0).map(server => server.close()))
})

const silent = { debug() {}, info() {}, warn() {}, error() {} }

async function start(handle: Participant['handle'], options: Partial<ServeOptions> = {}): Promise<Running> {
  const server = await serve({
    name: 'room',
    id: 'https://room.example',
    host: '127.0.0.1',
    port: 0,
    participant: { handle },
    log: silent,
    signals: false,
    drain: 1,
    announce: () => {},
    ...options,
  })
  running.push(server)
  return server
}

/** Sends bytes and reads until the server closes. */
function raw(port: number, bytes: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => socket.write(bytes, 'latin1'))
    let text = ''
    socket.setEncoding('latin1')
    socket.on('data', chunk => {
      text += chunk
    })
    socket.on('close', () => resolve(text))
    socket.on('error', reject)
  })
}

const statusOf = (answer: string): string => answer.slice(9, 12)
const jsonOf = (answer: string): unknown => JSON.parse(answer.slice(answer.indexOf('\r\n\r\n') + 4))

describe('a request', () => {
  test('reaches the participant as received', async () => {
    const { port } = await start(async message =>
      Response.json(message.headers.concat([[message.method, message.target]])),
    )
    const answer = await raw(
      port,
      'GET /a%2fb?x=1 HTTP/1.1\r\nhost: h\r\nX-Twice: 1\r\nx-twice: 2\r\nconnection: close\r\n\r\n',
    )
    expect(jsonOf(answer)).toEqual([
      ['host', 'h'],
      ['X-Twice', '1'],
      ['x-twice', '2'],
      ['connection', 'close'],
      ['GET', '/a%2fb?x=1'],
    ])
  })

  test('gets what the participant throws as an error response', async () => {
    const { url } = await start(async message => {
      if (message.target === '/known') throw new AAuthError('insufficient_scope', 'scope is missing')
      throw new Error('secret detail')
    })
    const known = await fetch(`${url}/known`)
    expect([known.status, await known.json()]).toEqual([
      403,
      { error: 'insufficient_scope', error_description: 'scope is missing' },
    ])
    const bug = await fetch(`${url}/bug`)
    expect(bug.status).toBe(500)
    expect(await bug.text()).not.toContain('secret detail')
  })

  test(verifies('COV-24', 'two Host lines or an absolute-form target are refused before the participant'), async () => {
    let calls = 0
    const { port } = await start(async () => {
      calls++
      return new Response('ok')
    })
    const send = (head: string): Promise<string> => raw(port, `${head}\r\nconnection: close\r\n\r\n`)
    expect(statusOf(await send('GET / HTTP/1.1\r\nhost: a'))).toBe('200')
    expect(calls).toBe(1)
    for (const head of [
      'GET / HTTP/1.1\r\nhost: a\r\nHost: b',
      'GET / HTTP/1.1\r\nhost: a\r\nhost: a',
      'GET / HTTP/1.1\r\nx: no host',
      'GET http://a/ HTTP/1.1\r\nhost: a',
      'GET //evil/ HTTP/1.1\r\nhost: a',
      'GET /a/../b HTTP/1.1\r\nhost: a',
    ]) {
      const answer = await send(head)
      expect(statusOf(answer), head).toBe('400')
      expect(jsonOf(answer)).toMatchObject({ error: 'invalid_request' })
    }
    expect(calls).toBe(1)
  })
})
