import { generateSigningKey } from '@countersign/httpsig'
import { verifies } from '@countersign/requirements'
import { send, type Wire } from '@countersign/testing/wire'
import { asAgent, asHolder, asKey } from '@countersign/testing/world/signer'
import { forgeToken } from '@countersign/testing/world/tokens'
import { readVectors } from '@countersign/vectors'
import { describe, expect, test } from 'vitest'
import { badTokens } from './bad-tokens.test.fixture.js'
import { calendarScene } from './calendar.test.fixture.js'

const { world, calendar } = await calendarScene()

const under = (jwt: string, target: string, key = world.delegateKey) =>
  world.request({ as: asHolder(key, jwt), target })

async function outcome(wire: Wire) {
  const before = calendar.ran()
  const answer = await send(calendar.port, wire)
  expect(calendar.ran() - before, 'a handler ran exactly when 200').toBe(answer.status === 200 ? 1 : 0)
  return [answer.status, answer.error, answer.headers.get('agent-auth')]
}

const accepted = [200, undefined, undefined]
const refused = [401, 'invalid_auth_token', 'httpsig; identity=?1']

describe('auth tokens', () => {
  test.each(badTokens.map(([id, title, make]) => [verifies(id, title), make] as const))('%s', async (_, make) => {
    for (const { what, jwt, key, error = 'invalid_auth_token' } of await make(world)) {
      expect(await outcome(await under(await world.authToken(), '/events'))).toEqual(accepted)
      expect(await outcome(await under(jwt, '/events', key)), what).toEqual([401, error, 'httpsig; identity=?1'])
    }
  })

  test(
    verifies(
      'AUT-02',
      'trust.resource.auth-servers',
      'error.untrusted-issuer',
      'for an unlisted issuer nothing is fetched',
    ),
    async () => {
      const strange = await world.authToken({}, world.strangeServer)
      expect(await outcome(await under(strange, '/events'))).toEqual([401, 'untrusted_issuer', 'httpsig; identity=?1'])
      expect(world.fetched.filter(url => !/^https:\/\/(auth|agent)\.example\//.test(url))).toEqual([])
      const alone = world.calendar({ authServers: [] })
      const message = await under(await world.authToken(), '/')
      const answer = await alone.authorize(message, { level: 'pseudonymous' })
      expect(answer.ok ? undefined : [answer.response.status, answer.response.headers.get('agent-auth')]).toEqual([
        401,
        'httpsig; identity=?1',
      ])
    },
  )

  test(verifies('AUT-04', 'AUT-05', 'a stolen token under another key, or without signature'), async () => {
    const token = await world.authToken()
    expect(await outcome(await under(token, '/events', await generateSigningKey('ES256')))).toEqual([
      401,
      'invalid_signature',
      'httpsig; identity=?1',
    ])
    const bearer = {
      method: 'GET',
      target: '/events',
      headers: [
        ['host', 'calendar.example'],
        ['authorization', `Bearer ${token}`],
      ] as const,
    }
    expect(await outcome(bearer)).toEqual([401, 'invalid_signature', 'httpsig; identity=?1'])
    const inline = await world.request({
      as: asKey(world.delegateKey),
      target: '/events',
      headers: [['authorization', `Bearer ${token}`]],
    })
    expect(await outcome(inline)).toEqual([401, 'insufficient_level', 'httpsig; identity=?1'])
    expect(await outcome(await under(token, '/events'))).toEqual(accepted)
  })

  test(
    verifies('AUT-22', 'challenge.failed-auth-token', 'error.invalid-auth-token', 'alive as long as it may be'),
    async () => {
      const iat = Math.floor(world.clock.now)
      expect(await outcome(await under(await world.authToken({ iat, exp: iat + 3600 }), '/events'))).toEqual(accepted)
      expect(await outcome(await under(await world.authToken({ iat, exp: iat + 3601 }), '/events'))).toEqual(refused)
    },
  )

  test(verifies('AUT-06', 'times.exp', 'a token that was accepted before it expired'), async () => {
    const token = await world.authToken({ exp: Math.floor(world.clock.now) + 30 })
    expect(await outcome(await under(token, '/events'))).toEqual(accepted)
    world.clock.now += 29
    expect(await outcome(await under(token, '/events'))).toEqual(accepted)
    world.clock.now += 1
    expect(await outcome(await under(token, '/events'))).toEqual(refused)
    expect(await outcome(await under(token, '/public')), 'also where no token is needed').toEqual(refused)
  })

  test(
    verifies('SCH-16', 'SCH-17', 'a text that is no token, or a token that is not for callers, is refused'),
    async () => {
      for (const odd of ['opaque-refresh-token', 'a.b', 'a.b.c.d.e', '']) {
        const answer = await outcome(await under(await world.authToken(), '/events').then(wire => swapJwt(wire, odd)))
        expect([odd, answer[0]]).toEqual([odd, 401])
      }
      const claims = JSON.parse(Buffer.from((await world.authToken()).split('.')[1] ?? '', 'base64url').toString())
      const own = await forgeToken(world.calendarKey, { typ: 'resource+jwt' }, claims)
      expect((await outcome(await under(own, '/events'))).slice(0, 1)).toEqual([401])
      expect(await outcome(await under(await world.authToken(), '/events'))).toEqual(accepted)
    },
  )

  test(verifies('AUT-11', 'AGT-07', 'an agent token is no auth token'), async () => {
    const [status, error, agentAuth] = await outcome(await under(await world.agentToken(), '/events'))
    expect([status, error]).toEqual([401, 'insufficient_level'])
    expect(agentAuth).toMatch(/^httpsig; auth-token; resource_token=/)
  })
})

function swapJwt(wire: Wire, jwt: string): Wire {
  return {
    ...wire,
    headers: wire.headers.map(([name, value]) =>
      name === 'signature-key' ? [name, `sig=jwt;jwt="${jwt}"`] : [name, value],
    ),
  }
}

describe('agent tokens', () => {
  const wrong = [401, 'invalid_agent_token', 'httpsig; identity=?1']
  const expectWrong = async (jwt: Promise<string>, expected: readonly unknown[] = wrong) => {
    expect(await outcome(await under(await world.agentToken(), '/agenda'))).toEqual(accepted)
    expect(await outcome(await under(await jwt, '/agenda'))).toEqual(expected)
  }

  test(
    verifies('AGT-01', 'AGT-02', 'AGT-08', 'error.invalid-agent-token', 'signed by anyone but its agent server'),
    async () => {
      const claims = { iss: world.agent.id }
      await expectWrong(world.agentToken(claims, { ...world.agent, key: world.delegateKey }))
      await expectWrong(world.agentToken(claims, { ...world.otherAgent, id: world.agent.id }))
      await expectWrong(world.agentToken(claims, { ...world.authServer, id: world.agent.id }))
      await expectWrong(world.agentToken({}, { ...world.agent, kid: 'k2' }))
    },
  )

  test(verifies('AGT-03', 'an issuer that publishes no agent metadata'), async () => {
    world.unpublish('https://strange.example/.well-known/aauth-agent')
    await expectWrong(world.agentToken({}, world.strangeServer), [401, 'discovery_failed', 'httpsig; identity=?1'])
  })

  test(verifies('AGT-04', 'AGT-05', 'JWT-12', 'claims that are wrong'), async () => {
    const now = Math.floor(world.clock.now)
    for (const claims of [
      { sub: undefined },
      { sub: '' },
      { sub: 'x'.repeat(513) },
      { sub: 'a\nb' },
      { aud: 'https://rooms.example' },
      { aud: 'https://calendar.example/' },
      { aud: [] },
      { exp: now },
      { exp: String(now + 60) },
      { iat: now, exp: now + 86_401 },
    ])
      await expectWrong(world.agentToken(claims))
    for (const aud of ['https://calendar.example', ['https://rooms.example', 'https://calendar.example']])
      expect(await outcome(await under(await world.agentToken({ aud }), '/agenda'))).toEqual(accepted)
  })

  test(verifies('AGT-06', 'a stolen agent token under another key'), async () => {
    const token = await world.agentToken()
    expect(await outcome(await under(token, '/agenda', await generateSigningKey('ES256')))).toEqual([
      401,
      'invalid_signature',
      'httpsig; identity=?1',
    ])
    expect(await outcome(await under(token, '/agenda'))).toEqual(accepted)
  })

  test(verifies('AGT-12', 'a delegate that comes back with a new key'), async () => {
    const key = await generateSigningKey()
    expect(await outcome(await under(await world.agentToken({ cnf: { jwk: key.publicJwk } }), '/agenda', key))).toEqual(
      accepted,
    )
  })

  test(verifies('SCH-05', 'SCH-06', 'SCH-08', 'identifiers that are none, for which nothing is fetched'), async () => {
    const as = asAgent(world.agent)
    expect(await outcome(await world.request({ as, target: '/agenda' }))).toEqual(accepted)
    const before = world.fetched.length
    // What is no ASCII cannot be written into Signature-Key.
    const ids = readVectors('identifiers', 'refuse').flatMap(({ input: { value, development } }) =>
      development || !/^[ -~]+$/.test(value) ? [] : [value],
    )
    for (const id of [...ids, 'file:///etc/passwd']) expect((await outcome(await idSwapped(id)))[0], id).toBe(401)
    expect(world.fetched.length).toBe(before)
  })

  test(verifies('AGT-03', 'an agent without documents is 401, and one with an unknown kid is 401'), async () => {
    expect((await outcome(await idSwapped('https://nobody.example'))).slice(0, 2)).toEqual([401, 'discovery_failed'])
    const as = asAgent({ ...world.agent, kid: 'k7' })
    expect(await outcome(await world.request({ as, target: '/agenda' }))).toEqual(wrong)
  })

  const idSwapped = async (id: string): Promise<Wire> => {
    const wire = await world.request({ as: asAgent(world.agent), target: '/agenda' })
    return {
      ...wire,
      headers: wire.headers.map(([name, value]) =>
        name === 'signature-key' ? [name, value.replace('https://agent.example', id)] : [name, value],
      ),
    }
  }
})
