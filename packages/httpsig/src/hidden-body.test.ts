import { verifies } from '@countersign/requirements'
import { expect, test } from 'vitest'
import { fromRequest, receiveRequest } from './index.js'
import { pathOfRequest } from './internal.js'

/** A GET as Bun and Deno show it: without a body, whatever came. */
const shown = (headers: Record<string, string>): Request => {
  const { url, method, body } = new Request('https://api.example/feed?a=b')
  return { url, method, body, headers: new Headers(headers) } as Request
}

test(verifies('DIG-13', 'sig.body.bytes', 'a body that the platform does not show is not taken for none'), async () => {
  const refused = { code: 'invalid_request', status: 400 }
  for (const headers of [{ 'content-length': '1' }, { 'content-length': '0, 1' }, { 'transfer-encoding': 'chunked' }]) {
    await expect(fromRequest(shown(headers), { bodyLimit: 10 }), JSON.stringify(headers)).rejects.toMatchObject(refused)
    expect(() => receiveRequest(shown(headers), { bodyLimit: 10 }), JSON.stringify(headers)).toThrow(
      expect.objectContaining(refused),
    )
  }
  for (const headers of [{}, { 'content-length': '0' }, { 'content-length': '00, 0' }]) {
    const message = await fromRequest(shown(headers), { bodyLimit: 10 })
    expect([message.target, message.body]).toEqual(['/feed?a=b', undefined])
  }
  // Whatever a header says, it costs what it is long.
  await expect(fromRequest(shown({ 'content-length': `${'0'.repeat(100_000)}x` }), { bodyLimit: 10 })).rejects.toThrow()
})

test('a message whose body is unread has the signal of its request', async () => {
  const caller = new AbortController()
  const body = new ReadableStream({ start: controller => controller.close() })
  const init = { method: 'POST', body, signal: caller.signal, duplex: 'half' }
  const message = receiveRequest(new Request('https://api.example/', init as RequestInit), { bodyLimit: 10 })
  expect([message.body, message.connection?.signal.aborted]).toEqual([undefined, false])
  caller.abort()
  expect(message.connection?.signal.aborted).toBe(true)
})

test('a request with a malformed URL has a path', () => {
  expect(pathOfRequest({ url: 'http://calendar.example, evil.example/feed?a=b' })).toBe('/feed')
  expect(pathOfRequest(new Request('https://calendar.example'))).toBe('/')
})
