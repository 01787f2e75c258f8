import { verifies } from '@countersign/requirements'
import { describe, expect, test } from 'vitest'
import { agentIn, calls, schemes } from './agents.test.fixture.js'
import { explain } from './explanation.js'
import { calendar, type World, world } from './participants.test.fixture.js'

const elsewhere = 'https://elsewhere.example'

/** The calendar redirects one path. */
function redirects(own: World, from: string, status: number, location: string): void {
  own.network.intercept(calendar, (exchange, next) =>
    exchange.target === from ? new Response(null, { status, headers: { location } }) : next(exchange),
  )
}

describe('redirects', () => {
  test.each([
    [301, 'GET', 'GET /agenda'],
    [302, 'POST', 'GET /agenda'],
    [303, 'PUT', 'GET /agenda'],
    [307, 'POST', 'POST /agenda'],
    [308, 'PUT', 'PUT /agenda'],
    [302, 'PUT', 'PUT /agenda'],
  ])(
    verifies('agent.redirects.same-origin', '%i after %s is followed as %s, signed anew'),
    async (status, method, expected) => {
      const own = await world()
      redirects(own, '/moved', status, '/agenda')
      const body = method === 'GET' ? {} : { body: 'x' }
      const response = await agentIn(own).fetch(`${calendar}/moved`, { method, ...body })
      expect(response.status).toBe(200)
      expect(calls(own, calendar).at(-1)).toBe(expected)
      expect(await response.json()).toMatchObject({ body: expected.startsWith('GET') ? '' : 'x' })
      expect(own.network.sent.at(-1)?.header('content-type') === undefined).toBe(expected.startsWith('GET'))
    },
  )

  test(verifies('agent.redirects.same-origin', 'a signed request is signed for the new path'), async () => {
    const own = await world()
    const agent = agentIn(own)
    await agent.fetch(`${calendar}/agenda`)
    redirects(own, '/agenda', 307, `${calendar}/feed`)
    expect((await agent.fetch(`${calendar}/agenda`)).status).toBe(200)
    expect(schemes(own, calendar)).toEqual(['none', 'jwks_uri', 'jwks_uri', 'jwks_uri'])
    expect(calls(own, calendar).at(-1)).toBe('GET /feed')
  })

  test.each([
    `${elsewhere}/x`,
    '//elsewhere.example/x',
    'http://calendar.example/x',
    'https://calendar.example:8443/',
    'https://user@calendar.example/',
    'javascript:alert(1)',
    'http://[',
  ])(
    verifies('CLI-06', 'agent.redirects.other-origin', 'a redirect to %s is returned, and nothing follows it'),
    async location => {
      const own = await world()
      const agent = agentIn(own)
      await agent.fetch(`${calendar}/events`)
      own.network.sent.length = 0
      redirects(own, '/events', 307, location)
      const response = await agent.fetch(`${calendar}/events`, { method: 'POST', body: 'secret' })
      expect(response.status).toBe(307)
      expect(response.headers.get('location')).toBe(location)
      expect(explain(response).outcome).toBe('redirect')
      expect(calls(own, calendar)).toEqual(['POST /events'])
      expect(own.network.sent).toHaveLength(1)
    },
  )

  test('no more than five are followed; "manual" and "error" work as in fetch', async () => {
    const own = await world()
    redirects(own, '/loop', 307, '/loop')
    const response = await agentIn(own).fetch(`${calendar}/loop`)
    expect(response.status).toBe(307)
    expect(calls(own, calendar)).toHaveLength(6)
    const manual = await agentIn(own).fetch(`${calendar}/loop`, { redirect: 'manual' })
    expect(manual.status).toBe(307)
    expect(calls(own, calendar)).toHaveLength(7)
    await expect(agentIn(own).fetch(`${calendar}/loop`, { redirect: 'error' })).rejects.toMatchObject({
      code: 'network',
    })
  })
})

describe('requests', () => {
  test.each<readonly [string, () => RequestInit, string, string]>([
    ['a string', () => ({ body: 'hé' }), 'hé', 'text/plain;charset=UTF-8'],
    ['bytes', () => ({ body: new Uint8Array([104, 105]) }), 'hi', 'application/octet-stream'],
    [
      'a form',
      () => ({ body: new URLSearchParams({ a: 'b' }) }),
      'a=b',
      'application/x-www-form-urlencoded;charset=UTF-8',
    ],
    ['a blob', () => ({ body: new Blob(['hi'], { type: 'text/csv' }) }), 'hi', 'text/csv'],
    ['a stream', () => ({ body: new Blob(['hi']).stream() }), 'hi', 'application/octet-stream'],
    ['its own type', () => ({ body: '{}', headers: { 'content-type': 'application/json' } }), '{}', 'application/json'],
  ])(
    verifies('sig.body.content-type', 'sig.body.bytes', '%s as body is sent again after a challenge'),
    async (_, init, text, type) => {
      const own = await world()
      const response = await agentIn(own).fetch(`${calendar}/agenda`, { method: 'POST', ...init() })
      expect(await response.json()).toMatchObject({ body: text })
      expect(own.network.sent.map(exchange => [exchange.text, exchange.header('content-type')])).toEqual([
        [text, type],
        [text, type],
      ])
      expect(own.network.sent.map(exchange => exchange.header('content-digest') !== undefined)).toEqual([false, true])
    },
  )

  test('a multipart form and a Request object pass whole', async () => {
    const own = await world()
    const form = new FormData()
    form.set('name', 'value')
    const response = await agentIn(own).fetch(
      new Request(`${calendar}/agenda`, { method: 'POST', body: form, headers: { 'x-a': 'b' } }),
    )
    expect(((await response.json()) as { body: string }).body).toContain('name="name"')
    expect(own.network.sent.at(-1)?.header('content-type')).toMatch(/^multipart\/form-data; ?boundary=/)
    expect(own.network.sent.at(-1)?.header('x-a')).toBe('b')
  })

  test.each([
    ['string', () => 'x'.repeat(11)],
    ['stream', () => new Blob(['x'.repeat(11)]).stream()],
  ])('a %s over bodyLimit is refused before anything is sent', async (_, body) => {
    const own = await world()
    const agent = agentIn(own, { bodyLimit: 10 })
    const call = agent.fetch(`${calendar}/agenda`, { method: 'POST', body: body() })
    await expect(call).rejects.toMatchObject({ code: 'body_too_large', cause: { bodyLimit: 10 } })
    expect(own.network.sent).toEqual([])
    expect((await agent.fetch(`${calendar}/agenda`, { method: 'POST', body: 'x'.repeat(10) })).status).toBe(200)
  })

  test(verifies('sig.target.lone-query', 'a lone ? and a fragment are not sent'), async () => {
    const own = await world()
    const agent = agentIn(own)
    await agent.fetch(`${calendar}/agenda?`)
    await agent.fetch(`${calendar}/agenda?#part`)
    await agent.fetch(`${calendar}/agenda?a=1#part`)
    expect(calls(own, calendar)).toEqual(['GET /agenda', 'GET /agenda', 'GET /agenda', 'GET /agenda?a=1'])
  })

  test.each(['Signature', 'signature-input', 'Signature-Key', 'Content-Digest', 'Signature-Agent'])(
    'the header %s is the agent’s own',
    async name => {
      const own = await world()
      await expect(agentIn(own).fetch(calendar, { headers: { [name]: 'x' } })).rejects.toBeInstanceOf(TypeError)
      expect(own.network.sent).toEqual([])
    },
  )

  test('URLs that are not http(s), and a network that is down, are errors', async () => {
    const own = await world()
    const agent = agentIn(own)
    await expect(agent.fetch('data:text/plain,x')).rejects.toBeInstanceOf(TypeError)
    await expect(agent.fetch('not a url')).rejects.toBeInstanceOf(TypeError)
    await expect(agent.fetch(`${elsewhere}/`)).rejects.toMatchObject({ name: 'AgentError', code: 'network' })
  })

  test('an aborted signal ends the call with its reason', async () => {
    const own = await world()
    const reason = new Error('changed my mind')
    const agent = agentIn(own)
    await expect(agent.fetch(`${calendar}/agenda`, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason)
    const request = new Request(`${calendar}/agenda`, { signal: AbortSignal.abort(reason) })
    await expect(agent.fetch(request)).rejects.toBe(reason)
    expect(own.network.sent).toEqual([])
  })

  test('a response that is not the agent’s has no explanation', () => {
    expect(() => explain(new Response())).toThrow(TypeError)
  })
})
