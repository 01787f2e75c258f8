import { generateSigningKey } from '@countersign/httpsig'
import { verifies } from '@countersign/requirements'
import type { Wire } from '@countersign/testing/wire'
import { asKey } from '@countersign/testing/world/signer'
import { Hono } from 'hono'
import { expect, test } from 'vitest'
import { makeWorld } from '../world.test.fixture.js'
import { guard } from './fetch.js'
import { guard as guardHono } from './hono.js'

const world = await makeWorld()
const as = asKey(await generateSigningKey())

function requestOf({ method, target, headers, body }: Wire, signal = new AbortController().signal): Request {
  return new Request(`https://calendar.example${target}`, {
    method,
    signal,
    headers: headers.map(([name, value]): [string, string] => [name, value]),
    ...(body === undefined ? {} : { body: new Uint8Array(body) }),
  })
}

test('what the platform gives beside the request comes through, with types', async () => {
  const handle = guard(
    world.calendar(),
    { level: 'pseudonymous' },
    async (request: Request, aauth, env: { readonly name: string }, ctx: number) =>
      Response.json([aauth.level, env.name, ctx, request.signal.aborted]),
  )
  const aborter = new AbortController()
  aborter.abort()
  const request = requestOf(await world.request({ as, target: '/x' }), aborter.signal)
  expect(await (await handle(request, { name: 'worker' }, 7)).json()).toEqual(['pseudonymous', 'worker', 7, true])
})

test(verifies('cache.private', 'also on responses whose headers cannot be written'), async () => {
  const handle = guard(world.calendar(), { level: 'anonymous' }, () => fetch('data:text/plain,ok'))
  const response = await handle(new Request('https://calendar.example/'))
  expect([await response.text(), response.headers.get('cache-control')]).toEqual(['ok', 'private'])
})

test(
  verifies('DIG-14', 'sig.body.bytes', 'a body can be read once more, an empty one, too; one read before is a mistake'),
  async () => {
    const handle = guard(
      world.calendar(),
      { level: 'pseudonymous' },
      async request => new Response(await request.text()),
    )
    const text = async (wire: Wire) => (await handle(requestOf(wire))).text()
    expect(await text(await world.request({ as, method: 'POST', body: '{"a":1}' }))).toBe('{"a":1}')
    const empty = await world.request({ as, method: 'POST' })
    expect(await text({ ...empty, body: new Uint8Array() })).toBe('')
    const read = requestOf(await world.request({ as, method: 'POST', body: '{"a":1}' }))
    await read.text()
    await expect(handle(read)).rejects.toThrow(TypeError)
    // Its signature covers no body: with the body gone it would look right.
    const bare = await world.request({ as, method: 'POST' })
    const drained = requestOf({ ...bare, body: Buffer.from('EVIL') })
    const reader = drained.body?.getReader()
    while ((await reader?.read())?.done === false);
    reader?.releaseLock()
    await expect(handle(drained)).rejects.toThrow(TypeError)
    expect(await text(bare)).toBe('')
  },
)

test(
  verifies('sig.body.bytes', 'a request that streams keeps the signal of its caller, and without a byte has no body'),
  async () => {
    const need = { level: 'pseudonymous', body: 'stream' } as const
    const seen: Array<readonly [body: string | null, isAborted: boolean]> = []
    const aborter = new AbortController()
    const bare = await world.request({ as, method: 'POST' })
    const ask = (observe: boolean, wire: Wire): Promise<Response> =>
      guard(world.calendar({ observe }), need, async request => {
        const body = request.body === null ? null : await request.text()
        aborter.abort()
        seen.push([body, request.signal.aborted])
        return new Response()
      })(requestOf(wire, aborter.signal))
    expect((await ask(false, { ...bare, body: new Uint8Array() })).status).toBe(200)
    expect((await ask(false, await world.request({ as, method: 'POST', body: '{"a":1}' }))).status).toBe(200)
    expect((await ask(false, { ...bare, body: Buffer.from('EVIL') })).status).toBe(401)
    expect(seen).toEqual([
      [null, true],
      ['{"a":1}', true],
    ])
  },
)

test(verifies('SIG-21', 'a resource that only observes hands on a body that it has looked at'), async () => {
  const resource = world.calendar({ observe: true })
  const need = { level: 'pseudonymous', body: 'stream' } as const
  const handle = guard(resource, need, async request => new Response(await request.text()))
  const app = new Hono()
  app.post('/', guardHono(resource, need), async c => c.text(await c.req.text()))
  const bare = await world.request({ as, method: 'POST', target: '/' })
  for (const ask of [handle, async (request: Request) => app.fetch(request)])
    for (const text of ['', 'not signed']) {
      const response = await ask(requestOf({ ...bare, body: Buffer.from(text) }))
      expect([response.status, await response.text()]).toEqual([200, text])
    }
})

test(verifies('rate.anonymous', 'by the address that the platform tells beside the request'), async () => {
  const resource = world.calendar({ limits: { anonymous: '1/hour' }, trustedProxies: ['10.0.0.0/8'] })
  interface Server {
    readonly address?: string
  }
  const serve = guard(resource, { level: 'anonymous' }, (_, __, _server: Server) => new Response('ok'), {
    peer: (_, server) => server.address,
  })
  const status = async (server: Server, forwarded = '') =>
    (await serve(new Request('https://calendar.example/', { headers: { 'x-forwarded-for': forwarded } }), server))
      .status
  expect([await status({ address: '192.0.2.1' }), await status({ address: '192.0.2.1' })]).toEqual([200, 429])
  expect(await status({ address: '192.0.2.2' })).toBe(200)
  expect(await status({ address: '10.0.0.1' }, '192.0.2.3')).toBe(200)
  expect(await status({ address: '10.0.0.1' }, '192.0.2.2')).toBe(429)
  expect(await status({ address: '192.0.2.2' }, '192.0.2.4')).toBe(429)
  expect([await status({}), await status({})]).toEqual([200, 429])
})

test('a requirement that no request can meet is a TypeError at once, and scopes are the resource’s own', () => {
  const resource = world.calendar()
  expect(() => guard(resource, { level: 'authorized' }, () => new Response())).toThrow(TypeError)
  // @ts-expect-error not a scope of this resource
  expect(() => guard(resource, { scope: 'events.wrong' }, () => new Response())).toThrow(TypeError)
})
