import { readBody } from '@countersign/httpsig'
import { verifies } from '@countersign/requirements'
import { afterEach, expect, test } from 'vitest'
import type { ServeOptions, TracedExchange } from './index.js'
import { closeAll, start } from './serve.test.fixture.js'
import { shortenEvents, shortenSecrets } from './trace.js'

afterEach(closeAll)

interface Traced {
  readonly seen: TracedExchange[]
  readonly options: Partial<ServeOptions>
}

function traced(): Traced {
  const seen: TracedExchange[] = []
  return {
    seen,
    options: { development: true, id: 'http://localhost:1', trace: one => seen.push(one), now: () => 1234.5 },
  }
}

test('an exchange is shown as it was, and not altered', async () => {
  const { seen, options } = traced()
  const { url } = await start(async message => {
    await readBody(message)
    return Response.json({ auth_token: 'a.b.c', refresh_token: 'abcdefghijkl' }, { headers: { 'x-a': 'b' } })
  }, options)
  const response = await fetch(`${url}/token?x=1`, {
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: 'request_type=refresh&refresh_token=0123456789abc',
  })
  expect(await response.json()).toEqual({ auth_token: 'a.b.c', refresh_token: 'abcdefghijkl' })
  expect(seen).toHaveLength(1)
  expect(seen[0]).toMatchObject({
    at: 1234.5,
    to: 'http://localhost:1',
    name: 'room',
    request: { method: 'POST', target: '/token?x=1', body: 'request_type=refresh&refresh_token=012345…' },
    response: { status: 200, body: '{"auth_token":"a.b.c","refresh_token":"abcdef…"}' },
  })
  expect(seen[0]?.request.headers).toContainEqual(['content-type', 'application/x-www-form-urlencoded'])
  expect(seen[0]?.response.headers).toContainEqual(['x-a', 'b'])
})

test('a stream is shown as far as it has come, and goes through at once; a long body is cut', async () => {
  const { seen, options } = traced()
  let end = (): void => {}
  const bodies: Readonly<Record<string, () => string | ReadableStream>> = {
    '/long': () => 'x'.repeat(100_000),
    '/stream': () => 'data: 1\n\n',
    '/endless': () =>
      new ReadableStream({
        start(controller) {
          controller.enqueue(new TextEncoder().encode('data: 1\n\n'))
          end = () => controller.close()
        },
      }),
  }
  const { url } = await start(async ({ target }) => {
    const headers = target === '/long' ? {} : { 'content-type': 'text/event-stream; charset=utf-8' }
    return new Response(bodies[target]?.(), { headers })
  }, options)
  expect(await (await fetch(`${url}/stream`)).text()).toBe('data: 1\n\n')
  expect((await (await fetch(`${url}/long`)).text()).length).toBe(100_000)
  const endless = await fetch(`${url}/endless`)
  await expect.poll(() => seen.length).toBe(3)
  end()
  expect(await endless.text()).toBe('data: 1\n\n')
  const shown = ['data: 1\n\n', `${'x'.repeat(65_536)}[cut]`, 'data: 1\n\n[stream]']
  expect(seen.map(one => one.response.body)).toEqual(shown)
})

test('a trace that throws harms nothing', async () => {
  const { options } = traced()
  const { url } = await start(async () => new Response('fine'), {
    ...options,
    trace: () => {
      throw new Error('broken tool')
    },
  })
  expect(await (await fetch(url)).text()).toBe('fine')
})

test('tracing needs development mode', async () => {
  await expect(start(async () => new Response('ok'), { trace: () => {} })).rejects.toThrow(TypeError)
})

test.each([
  ['{"refresh_token":"abcdefgh"}', '{"refresh_token":"abcdef…"}'],
  ['{"refresh_token" : "abcdefgh", "x": "abcdefgh"}', '{"refresh_token" : "abcdef…", "x": "abcdefgh"}'],
  ['{"enrollment":{"type":"code","code":"SECRET-CODE"}}', '{"enrollment":{"type":"code","code":"SECRET…"}}'],
  ['{"refresh\\u005ftoken":"abcdefgh"}', '{"refresh\\u005ftoken":"abcdef…"}'],
  ['{"code":"abc\\"defghi"}', '{"code":"abc\\"d…"}'],
  ['{"code":-32600}', '{"code":-32600}'],
  ['{"refresh_token":"abcdefghijk', '{"refresh_token":"abcdef…'],
  ['a=1&refresh_token=abcdefgh&b=2', 'a=1&refresh_token=abcdef…&b=2'],
  ['refresh%5Ftoken=abcdefgh', 'refresh%5Ftoken=abcdef…'],
  ['code=abcdefgh&state=abcdefgh', 'code=abcdef…&state=abcdefgh'],
  ['code=short', 'code=short'],
  ['plain text, code is abcdefgh', 'plain text, code is abcdefgh'],
])(verifies('LOG-02', 'secrets of a traced body are shortened: %s'), (text, shown) => {
  expect(shortenSecrets(text)).toBe(shown)
})

test.each([
  ['id: 1\ndata: {"refresh_token":"abcdefgh"}\n\n', 'id: 1\ndata: {"refresh_token":"abcdef…"}\n\n'],
  ['data: {\ndata: "code":"abcdefgh"}\n\n', 'data: {\ndata: "code":"abcdef…"}\n\n'],
  ['data:a=1&code=abcdefgh\n\n', 'data:a=1&code=abcdef…\n\n'],
  ['data: {"code":"abcdefghi', 'data: {"code":"abcdef…'],
  ['data: 1\n\n', 'data: 1\n\n'],
])(verifies('LOG-02', 'and those of events: %s'), (text, shown) => {
  expect(shortenEvents(text)).toBe(shown)
})
