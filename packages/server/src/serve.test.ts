import { AAuthError } from '@countersign/protocol'
import { verifies } from '@countersign/requirements'
import { afterEach, describe, expect, test } from 'vitest'
import type { Participant } from './index.js'
import { closeAll, exchangeBytes, jsonOf, start, statusOf } from './serve.test.fixture.js'

afterEach(closeAll)

describe('a request', () => {
  test('reaches the participant as received', async () => {
    const { port } = await start(async message =>
      Response.json(message.headers.concat([[message.method, message.target]])),
    )
    const answer = await exchangeBytes(
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

  test('gets an error of the participant as an error response', async () => {
    const { url } = await start(async message => {
      if (message.target === '/known')
        throw new AAuthError('insufficient_scope', 'scope is missing', { reason: 'scope_missing' })
      throw new Error('secret detail')
    })
    const known = await fetch(`${url}/known`)
    expect([known.status, await known.json()]).toEqual([
      403,
      { error: 'insufficient_scope', reason: 'scope_missing', error_description: 'scope is missing' },
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
    const send = (head: string): Promise<string> => exchangeBytes(port, `${head}\r\nconnection: close\r\n\r\n`)
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

  test('that never reaches the participant is told to it, and what it refuses itself is not', async () => {
    const told: unknown[] = []
    const reasons: unknown[] = []
    const participant: Participant = {
      handle: async () => {
        throw new AAuthError('invalid_request', 'not here', { reason: 'path_unknown', status: 404 })
      },
      refused({ requestId }, { status, reason, description }) {
        told.push([requestId, status, description])
        reasons.push(reason)
        throw new Error('a participant that fails at it changes no answer')
      },
    }
    const { port } = await start(participant.handle, { participant, bodyLimit: 3 })
    const send = async (head: string, body = ''): Promise<string> =>
      statusOf(await exchangeBytes(port, `${head}\r\nx-request-id: number-1\r\nconnection: close\r\n\r\n${body}`))
    expect(await send('GET / HTTP/1.1\r\nhost: a')).toBe('404')
    expect(told).toEqual([])
    expect(await send('POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 4', 'four')).toBe('413')
    expect(await send('GET /a/../b HTTP/1.1\r\nhost: a')).toBe('400')
    expect(await send('GET / HTTP/1.1\r\nhost: a\r\nhost: a')).toBe('400')
    expect(told).toEqual([413, 400, 400].map(status => ['number-1', status, expect.any(String)]))
    expect(reasons.at(-1)).toBe('authority_ambiguous')
  })

  test('answers pipelined requests in order, and takes an Upgrade header for a plain request', async () => {
    const { port } = await start(async message => {
      if (message.target === '/1') await new Promise(resolve => setTimeout(resolve, 50))
      return new Response(`answer ${message.target}`)
    })
    const text = await exchangeBytes(
      port,
      'GET /1 HTTP/1.1\r\nhost: h\r\n\r\nGET /2 HTTP/1.1\r\nhost: h\r\nconnection: upgrade, close\r\nupgrade: h2c\r\n\r\n',
    )
    expect(text.match(/answer \/\d/g)).toEqual(['answer /1', 'answer /2'])
  })

  test('is not answered with 408 in the place of an earlier one that is still being answered', async () => {
    const { port } = await start(
      async message => {
        await new Promise(resolve => setTimeout(resolve, message.target === '/1' ? 1500 : 0))
        return new Response('late')
      },
      { limits: { headersTimeout: 0.2, requestTimeout: 0.3 } },
    )
    const incomplete = 'POST /2 HTTP/1.1\r\nhost: h\r\ncontent-length: 10\r\n\r\nabc'
    const text = await exchangeBytes(port, `GET /1 HTTP/1.1\r\nhost: h\r\n\r\n${incomplete}`).catch(() => '')
    expect(text).not.toContain('408')
  })
})
