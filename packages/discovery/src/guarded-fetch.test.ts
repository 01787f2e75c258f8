import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { text } from 'node:stream/consumers'
import { verifies } from '@countersign/requirements'
import { afterEach, describe, expect, test } from 'vitest'
import { guardedFetch } from './node.js'

const stops: Array<() => void> = []
afterEach(() => {
  for (const stop of stops.splice(0)) stop()
})

async function serving(answer: (request: IncomingMessage, response: ServerResponse) => unknown) {
  const seen: Array<{ readonly line: string; readonly headers: IncomingMessage['headers']; readonly body: string }> = []
  const server = createServer(async (request, response) => {
    seen.push({ line: `${request.method} ${request.url}`, headers: request.headers, body: await text(request) })
    answer(request, response)
  })
  let connections = 0
  server.on('connection', () => {
    connections += 1
  })
  const port = await new Promise<number>(resolve => {
    server.listen(0, '127.0.0.1', () => resolve(Object(server.address()).port))
  })
  stops.push(() => server.close().closeAllConnections())
  return { url: `http://127.0.0.1:${port}/token`, port, seen, connections: () => connections }
}

const loopback = { dangerouslyAllowLoopback: true } as const
const refused = { name: 'AAuthError', code: 'discovery_failed' }
const post = {
  method: 'POST',
  headers: [
    ['accept', 'application/json'],
    ['content-type', 'application/json'],
  ],
  body: new TextEncoder().encode('{"a":1}'),
} as const

describe('a request by guardedFetch', () => {
  test('is sent unchanged, and its response is complete', async () => {
    const { url, seen } = await serving((_, response) =>
      response.writeHead(401, { 'agent-auth': 'httpsig', 'set-cookie': ['a=1', 'b=2'] }).end('answer'),
    )
    const response = await guardedFetch(loopback)(url, post)
    expect([response.status, response.headers.get('agent-auth'), await response.text()]).toEqual([
      401,
      'httpsig',
      'answer',
    ])
    expect(response.headers.getSetCookie()).toEqual(['a=1', 'b=2'])
    expect(seen).toMatchObject([
      {
        line: 'POST /token',
        body: '{"a":1}',
        headers: { 'content-type': 'application/json', 'content-length': '7', 'accept-encoding': 'identity' },
      },
    ])
    expect(seen[0]?.headers).not.toHaveProperty('cookie')
  })

  test(
    verifies(
      'discovery.posts',
      'discovery.pinned',
      'reaches no private address, and none that a second DNS answer names (rebinding)',
    ),
    async () => {
      const { url, port, connections } = await serving((_, response) => response.end('{}'))
      await expect(guardedFetch()(url, post)).rejects.toMatchObject(refused)
      let asked = 0
      // The name has a public address when it is resolved first; a second answer would lead here.
      const resolve = async () => (asked++ === 0 ? ['192.0.2.1', '127.0.0.1'] : ['127.0.0.1'])
      const rebinding = guardedFetch({ resolve })
      for (let n = 0; n < 2; n++)
        await expect(rebinding(`https://auth.example:${port}/token`, post)).rejects.toMatchObject(refused)
      for (const address of ['10.0.0.1', '169.254.169.254', '::1', 'fd00::1', '::ffff:127.0.0.1'])
        await expect(
          guardedFetch({ resolve: async () => [address] })(`https://auth.example:${port}/token`, post),
        ).rejects.toMatchObject(refused)
      expect([asked, connections()]).toEqual([2, 0])
      expect((await guardedFetch(loopback)(url, post)).status).toBe(200)
    },
  )

  test(verifies('discovery.no-redirects', 'follows no redirect'), async () => {
    const { url, seen } = await serving((_, response) => response.writeHead(307, { location: '/elsewhere' }).end())
    const response = await guardedFetch(loopback)(url, post)
    expect([response.status, response.headers.get('location'), seen.length]).toEqual([307, '/elsewhere', 1])
  })

  test(verifies('discovery.posts', 'accepts no response that is too large, encoded, or slow'), async () => {
    const large = await serving((_, response) => response.end('x'.repeat(101)))
    await expect(guardedFetch({ ...loopback, maxBytes: 100 })(large.url)).rejects.toMatchObject(refused)
    expect(await (await guardedFetch({ ...loopback, maxBytes: 101 })(large.url)).text()).toHaveLength(101)
    const packed = await serving((_, response) => response.writeHead(200, { 'content-encoding': 'gzip' }).end('x'))
    await expect(guardedFetch(loopback)(packed.url)).rejects.toMatchObject(refused)
    const slow = await serving((_, response) => response.write('x'))
    const before = performance.now()
    await expect(guardedFetch({ ...loopback, timeout: 0.2 })(slow.url)).rejects.toThrow('took too long')
    const ended = guardedFetch(loopback)(slow.url, { signal: AbortSignal.timeout(200) })
    await expect(ended).rejects.toMatchObject({ name: 'TimeoutError' })
    expect(performance.now() - before).toBeLessThan(5000)
  })
})

test('an invalid option throws at construction', () => {
  expect(() => guardedFetch({ timeout: 0 })).toThrow(RangeError)
  expect(() => guardedFetch({ maxBytes: 0 })).toThrow(RangeError)
  expect(() => guardedFetch({ dangerouslyAllowLoopBack: true } as object)).toThrow(/dangerouslyAllowLoopback/)
  expect(guardedFetch({ timeout: 1 })).toBeTypeOf('function')
})
