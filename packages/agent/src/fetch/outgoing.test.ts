import { describe, expect, test } from 'vitest'
import { AgentError } from '../error.js'
import { type AgentRequestInit, type Outgoing, readOutgoing } from './outgoing.js'

const url = 'https://calendar.example/events'

const read = (input: string | URL | Request, init?: AgentRequestInit): Promise<Outgoing> =>
  readOutgoing(input, init, { bodyLimit: 4096, purposes: undefined })

describe('the arguments of fetch', () => {
  test('are read as Request reads them', async () => {
    const json = { method: 'post', headers: { 'X-Two': ' b ', 'Content-Type': 'application/json' }, body: '{}' }
    const { method, url, headers, body, redirect } = await read('HTTPS://Calendar.example:443/a/../events?a=1', json)
    expect({ method, url: url.href, headers, body: body && new TextDecoder().decode(body), redirect }).toEqual({
      method: 'POST',
      url: 'https://calendar.example/events?a=1',
      headers: [
        ['content-type', 'application/json'],
        ['x-two', 'b'],
      ],
      body: '{}',
      redirect: 'follow',
    })
  })

  test('may be a Request', async () => {
    const request = new Request(url, { method: 'PUT', body: 'text', redirect: 'manual' })
    const { method, headers, redirect } = await read(request)
    expect({ method, headers, redirect }).toEqual({
      method: 'PUT',
      headers: [['content-type', 'text/plain;charset=UTF-8']],
      redirect: 'manual',
    })
  })

  test.each<[string, string, RequestInit]>([
    ['a URL of another scheme', 'ftp://calendar.example/', {}],
    ['a relative URL', '/events', {}],
    ['a URL with a password', 'https://:p@calendar.example/', {}],
    ['a body of a GET', url, { body: 'text' }],
    ['a header name with a space', url, { headers: { 'a b': 'c' } }],
    ['a header value with a line break', url, { headers: { a: 'b\nc' } }],
    ['a header that only the agent may set', url, { headers: { Signature: 'sig=:AA==:' } }],
  ])('are refused with %s', async (_, input, init) => {
    await expect(read(input, init)).rejects.toThrow(TypeError)
    await expect(read(url, { headers: { a: 'b' } })).resolves.toMatchObject({ method: 'GET' })
  })

  test('a URL that is changed after the call is still the one that was called', async () => {
    const called = new URL(url)
    const reading = read(called)
    called.pathname = '/other'
    expect((await reading).url.pathname).toBe('/events')
  })

  test('a body over the limit is refused, and one at the limit is not', async () => {
    const most = { method: 'POST', body: 'é'.repeat(2048) }
    expect((await read(url, most)).body).toHaveLength(4096)
    await expect(read(url, { ...most, body: `${most.body}a` })).rejects.toThrow(AgentError)
  })
})
