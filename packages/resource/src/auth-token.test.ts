import { generateSigningKey } from '@countersign/httpsig'
import { verifies } from '@countersign/requirements'
import { describe, expect, test } from 'vitest'
import { calendarScene } from './calendar.test.fixture.js'
import { send, type Wire } from './wire.test.fixture.js'
import { asAgent, asHolder, asKey, forgeToken } from './world.test.fixture.js'

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

/** The token as it is passes, changed it does not. */
async function expectRefused(jwt: string | Promise<string>, expected: readonly unknown[] = refused) {
  expect(await outcome(await under(await world.authToken(), '/events'))).toEqual(accepted)
  expect(await outcome(await under(await jwt, '/events'))).toEqual(expected)
}

describe('auth tokens', () => {
  test(verifies('AUT-01', 'a signature that is not of a key of the issuer'), async () => {
    const token = await world.authToken()
    const [head, claims, signature = ''] = token.split('.')
    const flipped = `${signature[0] === 'A' ? 'B' : 'A'}${signature.slice(1)}`
    await expectRefused(`${head}.${claims}.${flipped}`)
    await expectRefused(
      forgeToken(
        { kid: 'k1', key: world.otherAgent.key },
        { typ: 'auth+jwt' },
        JSON.parse(Buffer.from(claims ?? '', 'base64url').toString()),
      ),
    )
    await expectRefused(
      forgeToken(
        { kid: 'k9', key: world.authServer.key },
        { typ: 'auth+jwt' },
        JSON.parse(Buffer.from(claims ?? '', 'base64url').toString()),
      ),
    )
  })

  test(
    verifies(
      'AUT-02',
      'trust.resource.auth-servers',
      'error.untrusted-issuer',
      'an unlisted issuer, for whom nothing is fetched',
    ),
    async () => {
      await expectRefused(world.authToken({}, world.strangeServer), [401, 'untrusted_issuer', 'httpsig; identity=?1'])
      for (const iss of ['https://auth.example.evil.com', 'https://xauth.example', 'https://auth.example/'])
        expect((await outcome(await under(await world.authToken({ iss }), '/events'))).slice(0, 1)).toEqual([401])
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

  test(verifies('AUT-03', "another resource's token, or one for several"), async () => {
    for (const aud of [
      'https://rooms.example',
      'https://calendar.example/',
      'https://calendar',
      ['https://calendar.example', 'https://rooms.example'],
      undefined,
    ])
      await expectRefused(world.authToken({ aud }))
  })

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
    verifies(
      'AUT-06',
      'AUT-22',
      'challenge.failed-auth-token',
      'error.invalid-auth-token',
      'out of date, or alive for too long',
    ),
    async () => {
      const now = Math.floor(world.clock.now)
      await expectRefused(world.authToken({ iat: now - 700, exp: now - 100 }))
      await expectRefused(world.authToken({ exp: now }))
      await expectRefused(world.authToken({ nbf: now + 600 }))
      await expectRefused(world.authToken({ iat: now, exp: now + 3601 }))
      await expectRefused(world.authToken({ exp: undefined }))
      expect(await outcome(await under(await world.authToken({ iat: now, exp: now + 3600 }), '/events'))).toEqual(
        accepted,
      )
    },
  )

  test(verifies('AUT-06', 'a token that was accepted before it expired'), async () => {
    const token = await world.authToken({ exp: Math.floor(world.clock.now) + 30 })
    expect(await outcome(await under(token, '/events'))).toEqual(accepted)
    world.clock.now += 31
    expect(await outcome(await under(token, '/events'))).toEqual(refused)
    expect(await outcome(await under(token, '/public')), 'also where no token is needed').toEqual(refused)
  })

  test(
    verifies(
      'AUT-07',
      'AUT-12',
      'AUT-13',
      'AUT-16',
      'AUT-20',
      'SCH-16',
      'SCH-17',
      'what is no auth token for a resource',
    ),
    async () => {
      await expectRefused(world.authToken({ agent: undefined }))
      await expectRefused(world.authToken({ act: 'x' }))
      const claims = JSON.parse(Buffer.from((await world.authToken()).split('.')[1] ?? '', 'base64url').toString())
      for (const typ of ['at+jwt', 'JWT', 'application/auth+jwt', 'AUTH+JWT', undefined])
        await expectRefused(forgeToken(world.authServer, { typ }, claims))
      for (const odd of ['opaque-refresh-token', 'a.b', 'a.b.c.d.e', '']) {
        const answer = await outcome(await under(await world.authToken(), '/events').then(wire => swapJwt(wire, odd)))
        expect([odd, answer[0]]).toEqual([odd, 401])
      }
      expect(
        (
          await outcome(await under(await forgeToken(world.calendarKey, { typ: 'resource+jwt' }, claims), '/events'))
        ).slice(0, 1),
      ).toEqual([401])
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
    await expectWrong(world.agentToken({}, world.authServer), [401, 'discovery_failed', 'httpsig; identity=?1'])
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
    for (const id of [
      'http://agent.example',
      'https://agent.example/',
      'https://AGENT.example',
      'https://agent.example:443',
      'https://agent.example@evil.example',
      'https://127.0.0.1',
      'file:///etc/passwd',
      'https://agent.example.',
    ])
      expect((await outcome(await idSwapped(id)))[0], id).toBe(401)
    expect(world.fetched.length).toBe(before)
  })

  test(verifies('AGT-03', 'an agent that nobody can find is 401, one whose kid is unknown too'), async () => {
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
