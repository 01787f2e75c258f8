import { once } from 'node:events'
import type { Server } from 'node:http'
import { connect as connectHttp2, createServer as createHttp2Server } from 'node:http2'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { text } from 'node:stream/consumers'
import { setTimeout as pause } from 'node:timers/promises'
import { generateSigningKey } from '@countersign/httpsig'
import { verifies } from '@countersign/requirements'
import { closing } from '@countersign/testing/closing'
import { heldBytes } from '@countersign/testing/held-bytes'
import { stopsAfterTests } from '@countersign/testing/stops'
import { bytesOf, send, type Wire } from '@countersign/testing/wire'
import { asKey } from '@countersign/testing/world/signer'
import { createAdaptorServer } from '@hono/node-server'
import { Hono } from 'hono'
import { describe, expect, test } from 'vitest'
import { guard as guardFetch } from './adapter/fetch.js'
import { guard as guardHono } from './adapter/hono.js'
import type { Requirement } from './index.js'
import { makeWorld } from './world.test.fixture.js'

// Handlers of Fetch requests on Node that leave a streamed body waiting: what waits is bounded, and nothing hangs.

const world = await makeWorld()
const as = asKey(await generateSigningKey())
const stops = stopsAfterTests()

type Handler = (request: Request) => Response | Promise<Response>
type Listener = (request: Request, env: object) => Response | Promise<Response>

const need: Requirement<'events.read' | 'events.write'> = { level: 'pseudonymous', body: 'stream' }

function hono(handle: Handler): Hono {
  const app = new Hono()
  app.post('/up', guardHono(world.calendar(), need), c => handle(c.req.raw))
  return app
}

/** A guarded handler, as it is put on `@hono/node-server`. */
const sites: Record<string, (handle: Handler) => Listener> = {
  Hono: handle => {
    const app = hono(handle)
    return (request, env) => app.fetch(request, env)
  },
  'Hono with the request alone': handle => {
    const app = hono(handle)
    return request => app.fetch(request)
  },
  Fetch: handle => {
    const guarded = guardFetch<'events.read' | 'events.write', [object]>(world.calendar(), need, request =>
      handle(request),
    )
    return (request, env) => guarded(request, env)
  },
  'Fetch with the request alone': handle => {
    const guarded = guardFetch(world.calendar(), need, request => handle(request))
    return request => guarded(request)
  },
}

async function listening(listener: Listener, createServer?: typeof createHttp2Server): Promise<number> {
  const fetch = (request: Request, env: object): Response | Promise<Response> => listener(request, env)
  const server = createAdaptorServer({ fetch, ...(createServer && { createServer }) }) as Server
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  stops.push(() => server.close())
  return (server.address() as AddressInfo).port
}

const upload = (body: string): Promise<Wire> =>
  world.request({ as, method: 'POST', target: '/up', body, contentType: 'application/octet-stream' })

const chunks = (bytes: string): string => [...bytes].map(byte => `1\r\n${byte}\r\n`).join('')

/** Sends the head of an upload in chunks, and keeps the connection. */
async function begin(port: number, body: string): Promise<{ socket: Socket; said(): string }> {
  const { body: _, ...rest } = await upload(body)
  const socket = connect(port, '127.0.0.1')
  let said = ''
  socket.on('data', data => (said += String(data)))
  const closed = closing(socket)
  stops.push(async () => {
    socket.destroy()
    await closed
  })
  socket.write(bytesOf({ ...rest, headers: [...rest.headers, ['transfer-encoding', 'chunked']] }, 'keep-alive'))
  return { socket, said: () => said }
}

/** Fewer than a stream takes before its sender must wait: single bytes to a reader that keeps up are refused. */
const digits = Array.from({ length: 15_000 }, (_, at) => at % 10).join('')

describe.each(Object.entries(sites))('%s', (_, site) => {
  test.each([
    ['has not begun', 0],
    ['has read a part', 1],
  ])(
    verifies('DIG-20', 'limits.body-memory', 'a body in one-byte chunks waits in blocks while its reader %s'),
    async (_, reads) => {
      const waiting = new Set<() => void>()
      const port = await listening(
        site(async request => {
          const reader = request.body?.getReader()
          let read = 0
          for (let at = 0; at < reads; at++) read += (await reader?.read())?.value?.length ?? 0
          await new Promise<void>(resolve => waiting.add(resolve))
          for (let part = await reader?.read(); part?.done === false; part = await reader?.read())
            read += part.value.length
          return new Response(`read ${read}`)
        }),
      )
      const opened = async (count: number) => {
        const all = await Promise.all(Array.from({ length: count }, () => begin(port, digits)))
        for (const { socket } of all) socket.write(chunks(digits.slice(0, 100)))
        await expect.poll(() => waiting.size, { timeout: 10_000 }).toBe(count)
        for (const { socket } of all) socket.write(chunks(digits.slice(100)))
        await pause(500)
        return all
      }
      const finish = async (all: Awaited<ReturnType<typeof opened>>): Promise<void> => {
        for (const go of waiting) go()
        waiting.clear()
        for (const { socket } of all) socket.write('0\r\n\r\n')
        for (const { said } of all) await expect.poll(said, { timeout: 10_000 }).toContain('read 15000')
        for (const { socket } of all) socket.destroy()
      }
      const many = 15
      await finish(await opened(many))
      const before = heldBytes()
      const all = await opened(many)
      const each = (): number => (heldBytes() - before) / many
      await expect.poll(each, { timeout: 10_000, interval: 500 }).toBeLessThanOrEqual(2 * digits.length + 65_536)
      await finish(all)
    },
    40_000,
  )

  test.each([
    ['does not read', async () => undefined],
    ['cancels', async (request: Request) => request.body?.cancel()],
    ['reads the beginning of', async (request: Request) => request.body?.getReader().read()],
  ])('a handler that %s a body answers, and so does the next on its connection', async (_, act) => {
    const port = await listening(
      site(async request => {
        await act(request)
        return new Response('no', { status: 409 })
      }),
    )
    const body = 'x'.repeat(100_000)
    const { socket, said } = await begin(port, body)
    const chunk = `${(50_000).toString(16)}\r\n${body.slice(0, 50_000)}\r\n`
    socket.write(chunk)
    await expect.poll(said, { timeout: 5000 }).toContain('409')
    socket.write(`${chunk}0\r\n\r\n`)
    socket.write(bytesOf(await upload('abc')))
    await expect.poll(() => said().match(/ 409 /g)?.length, { timeout: 5000 }).toBe(2)
  })

  test('a reader that waits learns that its client has gone', async () => {
    let failed: unknown
    const port = await listening(
      site(async request => {
        await request.text().catch(error => (failed = error))
        return new Response('done')
      }),
    )
    const { socket } = await begin(port, 'abc')
    socket.write(chunks('ab'))
    await pause(50)
    socket.destroy()
    await expect.poll(() => failed, { timeout: 5000 }).toBeInstanceOf(Error)
  })

  test('the handler sees the signal, the headers and the method of the request', async () => {
    let seen: Request | undefined
    let wasAborted: boolean | undefined
    const port = await listening(
      site(async request => {
        seen = request
        wasAborted = request.signal.aborted
        return new Promise<Response>(() => undefined)
      }),
    )
    const { socket } = await begin(port, 'abc')
    socket.write(chunks('a'))
    await expect.poll(() => seen?.method).toBe('POST')
    expect([seen?.headers.get('content-type'), new URL(seen?.url ?? '').pathname, wasAborted]).toEqual([
      'application/octet-stream',
      '/up',
      false,
    ])
    socket.destroy()
    await expect.poll(() => seen?.signal.aborted).toBe(true)
  })

  test('a request without a body has none, over HTTP/2 too', async () => {
    const handle = site(async request => new Response(`read ${await request.text()}`))
    const bare = (): Promise<Wire> => world.request({ as, method: 'POST', target: '/up' })
    expect((await send(await listening(handle), await bare())).body).toBe('read ')
    const port = await listening(handle, createHttp2Server)
    const client = connectHttp2(`http://127.0.0.1:${port}`)
    stops.unshift(() => client.destroy())
    for (const endStream of [true, false]) {
      const { target, headers } = await bare()
      const own = Object.fromEntries(headers.filter(([name]) => name !== 'host'))
      const pseudo = { ':method': 'POST', ':path': target, ':authority': 'calendar.example' }
      const stream = client.request({ ...pseudo, ...own }, { endStream })
      if (!endStream) stream.end()
      expect(await text(stream)).toBe('read ')
    }
  })

  test('a body that the site has cloned is read as usual', async () => {
    const port = await listening(
      site(async request => {
        const copy = request.clone()
        return new Response(`${await request.text()} ${await copy.text()}`)
      }),
    )
    expect((await send(port, await upload('abc'))).body).toBe('abc abc')
  })
})

test('a Fetch request whose `body` was accessed before the guard is read as usual', async () => {
  const guarded = guardFetch(world.calendar(), need, async request => new Response(await request.text()))
  const port = await listening(request => {
    expect(request.body).not.toBe(null)
    return guarded(request)
  })
  const wire = await upload('abc')
  expect((await send(port, wire)).body).toBe('abc')
  expect((await send(port, { ...(await upload('abc')), body: Buffer.from('abd') })).body).not.toContain('abd')
})

test('what a server passes beside the request need not be Node’s', async () => {
  const guarded = guardFetch<'events.read' | 'events.write', [unknown]>(
    world.calendar(),
    need,
    async request => new Response(await request.text()),
  )
  for (const beside of [undefined, null, 'env', {}, { incoming: undefined }, { incoming: { rawHeaders: [] } }]) {
    const { method, headers, body } = await upload('abc')
    const request = new Request('https://calendar.example/up', {
      method,
      headers: headers.map(([name, value]): [string, string] => [name, value]),
      body: new Uint8Array(body ?? []),
    })
    expect(await (await guarded(request, beside)).text()).toBe('abc')
  }
})
