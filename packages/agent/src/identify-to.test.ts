import type { IdentifierList } from '@countersign/protocol'
import { verifies } from '@countersign/requirements'
import { describe, expect, test } from 'vitest'
import { createAgent } from './agent.js'
import { agentIn, calls, delegateIn, schemes } from './agents.test.fixture.js'
import { explain } from './explanation.js'
import { agentServer } from './identity/identity.js'
import type { Exchange } from './network.test.fixture.js'
import { calendar, home, type World, world } from './participants.test.fixture.js'

const challenge = { 'agent-auth': 'httpsig; identity=?1' }

/** Origins that ask everybody who they are, and take any answer. */
function curious(own: World, ...origins: readonly string[]): void {
  for (const origin of origins)
    own.network.hosts.set(origin, exchange =>
      named(exchange) ? new Response('ok') : new Response(null, { status: 401, headers: challenge }),
    )
}

const named = (exchange: Exchange): boolean => /^sig=(jwt|jwks_uri);/.test(exchange.header('signature-key') ?? '')

const lists: ReadonlyArray<readonly [string, IdentifierList, readonly string[], readonly string[]]> = [
  [
    'an exact origin',
    ['https://api.acme.example', 'https://b.example:8443'],
    ['https://api.acme.example', 'https://b.example:8443'],
    [
      'https://acme.example',
      'https://a.api.acme.example',
      'https://api.acme.example:8443',
      'https://b.example',
      'https://api.acme.example.evil.example',
      'https://evil-api.acme.example',
    ],
  ],
  [
    'a wildcard',
    ['https://*.acme.example'],
    ['https://api.acme.example', 'https://a.b.acme.example'],
    [
      'https://acme.example',
      'https://evilacme.example',
      'https://api.acme.example:8443',
      'https://acme.example.evil.example',
    ],
  ],
  [
    'a function',
    async id => id.startsWith('https://a.'),
    ['https://a.example', 'https://a.b.example:8443'],
    ['https://b.example', 'https://b.a.example'],
  ],
  ['any', 'any', ['https://a.example', 'https://b.example:8443'], ['http://a.example', 'https://192.0.2.1']],
  ['no origin', [], [], ['https://a.example']],
]

describe.each([
  ['the agent itself', agentIn],
  ['a delegate', delegateIn],
] as const)('%s says who it is', (_, make) => {
  test.each(lists)(
    verifies('agent.identify-to', 'CLI-14', 'where %s allows it'),
    async (_name, identifyTo, yes, no) => {
      const own = await world()
      curious(own, ...yes, ...no)
      const agent = make(own, { identifyTo })
      for (const origin of yes) expect((await agent.fetch(`${origin}/x`)).status).toBe(200)
      for (const origin of no) {
        const refused = await agent.fetch(`${origin}/x`)
        expect(explain(refused)).toMatchObject({ level: 'anonymous', outcome: 'gave_up' })
      }
      for (const origin of no)
        expect(own.network.sent.filter(exchange => exchange.origin === origin).some(named)).toBe(false)
    },
  )
})

test(verifies('agent.identify-to', 'without a list an agent identifies itself nowhere'), async () => {
  const own = await world()
  const { fetch, fetcher } = own.network
  const identity = agentServer({ id: home, kid: 'k1', key: own.agentKey })
  const agent = createAgent({ identity, fetch, fetcher, now: own.clock.now })
  expect((await agent.fetch(`${calendar}/agenda`)).status).toBe(401)
  expect(own.network.sent.some(named)).toBe(false)
  expect((await agentIn(own, { identifyTo: [calendar] }).fetch(`${calendar}/agenda`)).status).toBe(200)
})

describe('not by a detour', () => {
  const inside = 'https://inside.example'

  test.each([301, 302, 303, 307, 308])(
    verifies('agent.identify-to', 'agent.redirects.other-origin', 'a %i from an allowed origin'),
    async status => {
      const own = await world()
      curious(own, inside)
      const agent = delegateIn(own, { identifyTo: [calendar] })
      await agent.fetch(`${calendar}/agenda`)
      own.network.intercept(calendar, (exchange, next) =>
        exchange.target === '/moved'
          ? new Response(null, { status, headers: { location: `${inside}/x` } })
          : next(exchange),
      )
      const response = await agent.fetch(`${calendar}/moved`)
      expect(explain(response)).toMatchObject({ outcome: 'redirect', level: 'identified' })
      expect(calls(own, inside)).toEqual([])
    },
  )

  test(
    verifies(
      'agent.identify-to',
      'CLI-14',
      'a redirect to a token endpoint of the same origin shows it no agent token',
    ),
    async () => {
      const own = await world()
      const agent = delegateIn(own)
      await agent.fetch(`${calendar}/agenda`)
      own.network.intercept(home, (exchange, next) =>
        exchange.target === '/open'
          ? new Response(null, { status: 307, headers: { location: '/delegates' } })
          : next(exchange),
      )
      const before = schemes(own, home).length
      const response = await agent.fetch(`${home}/open`, { method: 'POST', body: '{}' })
      expect(response.status).toBe(401)
      expect(schemes(own, home).slice(before)).not.toContain('jwt')
    },
  )

  test.each(['/delegates/', '/Delegates', '/%64elegates', '//delegates', '/delegates;a=b', '/a/..%2fdelegates?b'])(
    verifies('agent.identify-to', 'CLI-14', 'a token endpoint spelt as %s, which a lenient server accepts'),
    async path => {
      const own = await world()
      const agent = delegateIn(own)
      await agent.identify()
      curious(own, home)
      const response = await agent.fetch(home + path, { method: 'POST', body: '{}' })
      expect(explain(response)).toMatchObject({ level: 'anonymous', outcome: 'gave_up' })
      expect((await agent.fetch(`${home}/delegates-of-mine`)).status).toBe(200)
    },
  )

  test(
    verifies('agent.identify-to', 'requestAccess at an origin that is not allowed: nothing is sent to it'),
    async () => {
      const own = await world()
      const agent = delegateIn(own, { identifyTo: ['https://*.acme.example'] })
      await expect(agent.requestAccess({ resource: calendar, scope: 'events.read' })).rejects.toMatchObject({
        code: 'not_allowed',
      })
      expect([own.network.sent, own.network.documents]).toEqual([[], []])
      await delegateIn(own, { identifyTo: [calendar] }).requestAccess({ resource: calendar, scope: 'events.read' })
      expect(schemes(own, calendar)).toEqual(['jwt'])
    },
  )

  test(verifies('agent.identify-to', 'a challenge that names a token: no resource token is read before'), async () => {
    const own = await world()
    own.network.hosts.set(inside, () => {
      const value = 'httpsig; auth-token; resource_token="e30.e30.e30"; auth_server="https://auth.example"'
      return new Response(null, { status: 401, headers: { 'agent-auth': value } })
    })
    const agent = delegateIn(own, { identifyTo: [calendar] })
    expect(explain(await agent.fetch(`${inside}/x`)).outcome).toBe('gave_up')
    expect(own.network.sent.map(exchange => exchange.header('signature-key'))).toEqual([undefined])
  })

  test(verifies('agent.identify-to', 'a caller’s headers: no signature is set from outside'), async () => {
    const own = await world()
    const agent = delegateIn(own, { identifyTo: [calendar] })
    await agent.fetch(`${calendar}/agenda`)
    const stolen = own.network.sent.at(-1)?.header('signature-key') ?? ''
    await expect(agent.fetch(`${inside}/x`, { headers: { 'signature-key': stolen } })).rejects.toBeInstanceOf(TypeError)
    expect(calls(own, inside)).toEqual([])
  })
})
