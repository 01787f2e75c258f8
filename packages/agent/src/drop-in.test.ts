import { inspect } from 'node:util'
import { verifies } from '@countersign/requirements'
import { describe, expect, test } from 'vitest'
import { agentIn, calls, delegateIn } from './agents.test.fixture.js'
import { explain } from './explanation.js'
import { auth, calendar, home, type World, world } from './participants.test.fixture.js'

const agenda = `${calendar}/agenda`

/** The agent's own, beside what the caller gave. */
const signing = ['content-digest', 'host', 'signature', 'signature-input', 'signature-key']

function sentHeaders(own: World): Array<readonly [string, string]> {
  return own.network.sent.at(-1)?.headers.filter(([name]) => !signing.includes(name)) ?? []
}

describe('a Request object', () => {
  test('is sent with its method, headers and body, and is used up as by fetch', async () => {
    const own = await world()
    const request = new Request(agenda, {
      method: 'PUT',
      body: '{"a":1}',
      headers: { 'content-type': 'application/json', 'x-trace': 't1', authorization: 'Basic eA==' },
    })
    const response = await agentIn(own).fetch(request)
    expect(await response.json()).toMatchObject({ body: '{"a":1}' })
    expect(calls(own, calendar)).toEqual(['PUT /agenda', 'PUT /agenda'])
    expect(sentHeaders(own)).toEqual([
      ['authorization', 'Basic eA=='],
      ['content-type', 'application/json'],
      ['x-trace', 't1'],
    ])
    expect(request.bodyUsed).toBe(true)
    await expect(agentIn(own).fetch(request)).rejects.toBeInstanceOf(TypeError)
  })

  test('is changed by an init, as by fetch', async () => {
    const own = await world()
    const request = new Request(agenda, { method: 'PUT', body: 'a', headers: { 'x-a': '1' } })
    const init = { method: 'POST', body: 'b', headers: { 'x-b': '2' } }
    expect(await (await agentIn(own).fetch(request, init)).json()).toMatchObject({ body: 'b' })
    expect(calls(own, calendar).at(-1)).toBe('POST /agenda')
    expect(own.network.sent.at(-1)?.header('x-b')).toBe('2')
    expect(own.network.sent.at(-1)?.header('x-a')).toBeUndefined()
  })

  test.each(['manual', 'error', 'follow'] as const)('keeps its redirect mode: %s', async redirect => {
    const own = await world()
    own.network.intercept(calendar, (exchange, next) =>
      exchange.target === '/moved'
        ? new Response(null, { status: 307, headers: { location: '/agenda' } })
        : next(exchange),
    )
    const call = agentIn(own).fetch(new Request(`${calendar}/moved`, { redirect }))
    if (redirect === 'error') await expect(call).rejects.toMatchObject({ code: 'network' })
    else expect((await call).status).toBe(redirect === 'manual' ? 307 : 200)
  })

  test('keeps its cache, credentials, keepalive and referrer; an init overrides them', async () => {
    const own = await world()
    const seen: RequestInit[] = []
    const fetch: typeof globalThis.fetch = (input, init) => {
      seen.push(init ?? {})
      return own.network.fetch(input, init)
    }
    const agent = agentIn(own, { fetch })
    const request = new Request(`${calendar}/public`, { cache: 'no-store', credentials: 'include', keepalive: true })
    await agent.fetch(request)
    await agent.fetch(request, { credentials: 'omit' })
    expect(seen).toMatchObject([
      { cache: 'no-store', credentials: 'include', keepalive: true, redirect: 'manual' },
      { cache: 'no-store', credentials: 'omit', keepalive: true, redirect: 'manual' },
    ])
  })

  test('passes on options that only the fetch of this platform knows', async () => {
    const own = await world()
    const seen: unknown[] = []
    const dispatcher = { name: 'of undici' }
    const fetch: typeof globalThis.fetch = (input, init) => {
      seen.push((init as { dispatcher?: unknown }).dispatcher)
      return own.network.fetch(input, init)
    }
    await agentIn(own, { fetch }).fetch(`${calendar}/public`, { dispatcher } as never)
    expect(seen).toEqual([dispatcher])
  })
})

test.each(['GET', 'HEAD', 'DELETE', 'OPTIONS'])(
  '%s without a body gets no header of the agent’s but the signature',
  async method => {
    const own = await world()
    const agent = agentIn(own)
    await agent.fetch(agenda)
    await agent.fetch(agenda, {
      method,
      headers: [
        ['accept', 'text/html'],
        ['accept', 'text/plain'],
        ['x-A', ' b '],
      ],
    })
    expect(calls(own, calendar).at(-1)).toBe(`${method} /agenda`)
    expect(sentHeaders(own)).toEqual([
      ['accept', 'text/html, text/plain'],
      ['x-a', 'b'],
    ])
  },
)

describe('a body over bodyLimit', () => {
  const form = new FormData()
  form.set('file', new Blob(['x'.repeat(60)]))
  test.each<readonly [string, () => BodyInit, number]>([
    ['text', () => 'x'.repeat(200), 200],
    ['bytes', () => new Uint8Array(200), 200],
    ['a buffer', () => new ArrayBuffer(200), 200],
    ['a blob', () => new Blob(['x'.repeat(200)]), 200],
    ['a form', () => new URLSearchParams({ a: 'x'.repeat(198) }), 200],
    ['a stream', () => new Blob(['x'.repeat(200)]).stream(), 200],
    ['a multipart form', () => form, 400],
  ])('%s is refused with a clear error, and one within it is sent', async (_, body, bodyLimit) => {
    const own = await world()
    const small = agentIn(own, { bodyLimit: 100 })
    await expect(small.fetch(agenda, { method: 'POST', body: body() })).rejects.toMatchObject({
      code: 'body_too_large',
      message: expect.stringContaining('larger than bodyLimit'),
      cause: { bodyLimit: 100 },
    })
    expect(own.network.sent).toEqual([])
    expect((await agentIn(own, { bodyLimit }).fetch(agenda, { method: 'POST', body: body() })).status).toBe(200)
  })

  test('an endless stream is read no further than the limit, and let go', async () => {
    const own = await world()
    let given = 0
    let cancelled = false
    const body = new ReadableStream<Uint8Array>({
      pull(controller) {
        given += 1
        controller.enqueue(new Uint8Array(1024))
      },
      cancel() {
        cancelled = true
      },
    })
    const call = agentIn(own, { bodyLimit: 10_000 }).fetch(agenda, { method: 'POST', body })
    await expect(call).rejects.toMatchObject({ code: 'body_too_large' })
    expect(given).toBeLessThan(15)
    await expect.poll(() => cancelled).toBe(true)
  })

  test('a stream that breaks is the caller’s own error', async () => {
    const own = await world()
    const body = new ReadableStream({ start: controller => controller.error(new RangeError('disk gone')) })
    await expect(agentIn(own).fetch(agenda, { method: 'POST', body })).rejects.toThrow()
    expect(own.network.sent).toEqual([])
  })
})

describe('only requests that may be repeated are repeated', () => {
  test.each(['GET', 'POST', 'PUT', 'DELETE'])('%s is not, when its answer is lost', async method => {
    const own = await world()
    const agent = delegateIn(own)
    await agent.fetch(agenda)
    own.network.sent.length = 0
    own.network.intercept(calendar, async (exchange, next) => {
      await next(exchange)
      throw new TypeError('fetch failed')
    })
    const call = agent.fetch(agenda, { method })
    await expect(call).rejects.toMatchObject({
      code: 'network',
      message: expect.stringMatching(method === 'GET' ? /answer was lost$/ : /it may have acted on the request$/),
    })
    expect(calls(own, calendar)).toEqual([`${method} /agenda`])
  })

  test(verifies('DEL-63', 'what was carried out is not sent again, though its answer is withheld'), async () => {
    const own = await world()
    const agent = delegateIn(own)
    const withheld = { error: 'policy_denied', reason: 'answer_withheld' }
    for (const challenge of [{}, { 'agent-auth': 'httpsig; identity=?1' }])
      for (const method of ['POST', 'GET']) {
        own.network.sent.length = 0
        own.network.intercept(calendar, () => Response.json(withheld, { status: 403, headers: challenge }))
        const response = await agent.fetch(`${calendar}/agenda`, { method })
        expect([response.status, await response.json()]).toEqual([403, withheld])
        expect(explain(response)).toMatchObject({
          outcome: 'withheld',
          reason: 'calendar.example has carried out the request, and may not show its answer (answer_withheld)',
        })
        expect(own.network.sent).toHaveLength(1)
      }
    own.network.intercept(calendar, () => Response.json({ error: 'policy_denied' }, { status: 403 }))
    expect(explain(await agent.fetch(`${calendar}/agenda`)).outcome).toBe('refused')
  })

  test(verifies('sig.replay.agent', 'replay_detected is not, at whichever level'), async () => {
    const own = await world()
    const agent = delegateIn(own)
    await agent.fetch(`${calendar}/events`)
    own.network.sent.length = 0
    own.network.intercept(calendar, () =>
      Response.json({ error: 'replay_detected' }, { status: 401, headers: { 'agent-auth': 'httpsig; identity=?1' } }),
    )
    const response = await agent.fetch(`${calendar}/events`, { method: 'POST', body: 'x' })
    expect(explain(response)).toMatchObject({ outcome: 'unknown' })
    expect(own.network.sent).toHaveLength(1)
  })

  test(verifies('sig.replay.agent', 'a token request that was seen before is not'), async () => {
    const own = await world()
    own.network.intercept(auth, (exchange, next) =>
      exchange.target === '/token' ? Response.json({ error: 'replay_detected' }, { status: 401 }) : next(exchange),
    )
    const response = await agentIn(own).fetch(`${calendar}/events`)
    expect(explain(response).reason).toContain('(401 replay_detected)')
    expect(calls(own, auth)).toEqual(['POST /token'])
  })

  test.each([500, 502, 503, 504])('a plain %i is the answer', async status => {
    const own = await world()
    const agent = delegateIn(own)
    await agent.fetch(agenda)
    own.network.sent.length = 0
    own.network.intercept(calendar, () => new Response('away', { status, headers: { 'retry-after': '1' } }))
    expect((await agent.fetch(agenda, { method: 'POST', body: 'x' })).status).toBe(status)
    expect(own.network.sent).toHaveLength(1)
  })
})

describe('posts to token endpoints', () => {
  test('a request without an answer: the error names the origin and the reason, and nothing that was sent', async () => {
    const own = await world()
    own.network.intercept(auth, (exchange, next) => {
      if (exchange.target !== '/token') return next(exchange)
      throw new TypeError('fetch failed', { cause: Object.assign(new Error(exchange.text), { code: 'ECONNRESET' }) })
    })
    await expect(agentIn(own).requestAccess({ resource: calendar, scope: 'events.read' })).rejects.toMatchObject({
      code: 'unreachable',
      cause: { origin: auth, reason: 'connection closed' },
    })
    await expect(agentIn(own).fetch(`${calendar}/events`)).rejects.toSatisfy(
      error => !inspect(error, { depth: 9 }).includes('resource_token='),
    )
  })

  test.each([301, 302, 303, 307, 308])(
    verifies('agent.redirects.other-origin', 'a %i is no answer: nothing signed follows it'),
    async status => {
      for (const [origin, path] of [
        [home, '/delegates'],
        [auth, '/token'],
      ] as const) {
        const own = await world()
        own.network.intercept(origin, (exchange, next) =>
          exchange.target === path
            ? new Response(null, { status, headers: { location: 'https://elsewhere.example/' } })
            : next(exchange),
        )
        await expect(delegateIn(own).fetch(`${calendar}/events`)).rejects.toMatchObject({ code: 'invalid_answer' })
        expect(own.network.sent.filter(exchange => exchange.target === path).map(e => e.redirect)).toEqual(['manual'])
        expect(calls(own, 'https://elsewhere.example')).toEqual([])
      }
    },
  )
})
