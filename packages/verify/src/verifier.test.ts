import { generateSigningKey } from '@countersign/httpsig'
import { base64urlEncode } from '@countersign/httpsig/internal'
import { verifies } from '@countersign/requirements'
import { beforeEach, describe, expect, test } from 'vitest'
import { agentToken, authToken, now, signed } from './network.test.fixture.js'
import { api, type Scene, scene } from './verifier.test.fixture.js'

let net: Scene['net']
let agent: Scene['agent']
let auth: Scene['auth']
let key: Scene['key']
let verifier: Scene['verifier']
let verifierWith: Scene['verifierWith']
let withToken: Scene['withToken']
let refused: Scene['refused']

beforeEach(async () => {
  ;({ net, agent, auth, key, verifier, verifierWith, withToken, refused } = await scene())
})

describe('levels', () => {
  test(verifies('level.anonymous', 'an unsigned request is anonymous'), async () => {
    const { caller } = await verifier.verify({ method: 'GET', target: '/x', headers: [['host', 'api.example']] })
    expect(caller).toEqual({ level: 'anonymous' })
  })

  test(verifies('level.pseudonymous', 'an inline key makes a pseudonymous caller, without a fetch'), async () => {
    const { caller } = await verifier.verify(await signed(`${api}/x`, key, { scheme: 'hwk', jwk: key.publicJwk }))
    expect(caller).toMatchObject({ level: 'pseudonymous', key: { publicJwk: key.publicJwk }, peer: '192.0.2.1' })
    expect(net.fetched).toEqual([])
  })

  test(
    verifies(
      'level.identified',
      'a published key or an agent token identifies the agent; a token names the delegate, too',
    ),
    async () => {
      const own = await verifier.verify(
        await signed(`${api}/x`, agent.key, { scheme: 'jwks_uri', id: agent.id, kid: 'k1', dwk: 'aauth-agent' }),
      )
      expect(own.caller).toMatchObject({ level: 'identified', agent: 'https://agent.example' })
      expect(own.caller).not.toHaveProperty('delegate')
      const delegate = await verifier.verify(await withToken(await agentToken(agent, key)))
      expect(delegate.caller).toMatchObject({
        level: 'identified',
        agent: 'https://agent.example',
        delegate: 'delegate-1',
      })
    },
  )

  test(
    verifies('level.authorized', 'token.user', 'an auth token authorizes, with issuer, scope and user'),
    async () => {
      const token = await authToken(auth, key, { agent_delegate: 'delegate-1', sub: 'u1', name: 'Ada' } as never)
      const { caller } = await verifier.verify(await withToken(token))
      expect(caller).toMatchObject({
        level: 'authorized',
        issuer: 'https://auth.example',
        agent: 'https://agent.example',
        delegate: 'delegate-1',
        scope: ['events.read'],
        user: { iss: 'https://auth.example', sub: 'u1', claims: { name: 'Ada' } },
      })
    },
  )
})

describe('credentials', () => {
  test(
    verifies(
      'SCH-12',
      'token-endpoint.identified',
      'a kind of credential that is not accepted is refused before any fetch',
    ),
    async () => {
      const endpoint = verifierWith({ accept: ['jwks_uri', 'agent+jwt'] })
      const pseudonym = await signed(`${api}/x`, key, { scheme: 'hwk', jwk: key.publicJwk })
      expect(await refused(pseudonym, endpoint)).toEqual({ code: 'insufficient_level', status: 401 })
      expect(await refused(await withToken(await authToken(auth, key, {})), endpoint)).toEqual({
        code: 'insufficient_level',
        status: 401,
      })
      expect(net.fetched).toEqual([])
      await endpoint.verify(await withToken(await agentToken(agent, key)))
    },
  )

  test('a cached token is refused where its kind is not accepted', async () => {
    const token = await authToken(auth, key, {})
    await verifier.verify(await withToken(token))
    await expect(verifier.verify(await withToken(token), { accept: ['agent+jwt'] })).rejects.toMatchObject({
      code: 'insufficient_level',
    })
  })

  const retyped = (token: string, typ: unknown): string => {
    const [, payload, signature] = token.split('.')
    const header = JSON.stringify({ typ, alg: 'Ed25519', kid: 'k1' })
    return `${base64urlEncode(new TextEncoder().encode(header))}.${payload}.${signature}`
  }

  test(
    verifies(
      'sig.key.jwt',
      'SCH-16',
      'SCH-17',
      'AUT-12',
      'AUT-20',
      'a JWT that is neither agent nor auth token is refused',
    ),
    async () => {
      const token = await agentToken(agent, key)
      for (const jwt of ['', 'a.b', 'a.b.c.d', `${token}.x.y`, ' '])
        expect([jwt, await refused(await withToken(jwt))]).toMatchObject([jwt, { status: 401 }])
      expect(net.fetched).toEqual([])
      await verifier.verify(await withToken(token))
    },
  )

  test(
    verifies('token.unreadable', 'a JWT whose typ cannot be read is a wrong token of the kind that is taken'),
    async () => {
      const token = await agentToken(agent, key)
      const [, payload, signature] = token.split('.')
      const header = (json: string) => base64urlEncode(new TextEncoder().encode(json))
      const unread = [
        'a',
        'a.b',
        `${token}.x`,
        `e30=.${payload}.${signature}`,
        `${header('[]')}.${payload}.${signature}`,
      ]
      const twice = header('{"typ":"agent+jwt","typ":"agent+jwt","alg":"Ed25519","kid":"k1"}')
      unread.push(`${twice}.${payload}.${signature}`, 'a'.repeat(6145))
      for (const jwt of unread) {
        const wire = await withToken(jwt)
        expect([jwt, await refused(wire)]).toMatchObject([jwt, { code: 'invalid_auth_token', status: 401 }])
        const endpoint = verifierWith({ accept: ['jwks_uri', 'agent+jwt'] })
        expect([jwt, await refused(wire, endpoint)]).toMatchObject([jwt, { code: 'invalid_agent_token', status: 401 }])
      }
      // A header without typ can be read.
      const untyped = `${header('{"alg":"Ed25519","kid":"k1"}')}.${payload}.${signature}`
      expect(await refused(await withToken(untyped))).toMatchObject({ code: 'unsupported_scheme' })
      expect(net.fetched).toEqual([])
      await verifier.verify(await withToken(token))
    },
  )

  test.each([
    ['resource+jwt', 'its typ is resource+jwt'],
    ['key-proof+jwt', 'its typ is key-proof+jwt'],
    ['at+jwt', 'its typ is at+jwt'],
    ['a'.repeat(40), `its typ is ${'a'.repeat(40)}`],
    ['a'.repeat(41), 'its typ is another'],
    ['JWT', 'its typ is another'],
    ['AGENT+JWT', 'its typ is another'],
    ['agent+jwt; v=1', 'its typ is another'],
    [' agent+jwt', 'its typ is another'],
    ['application/agent+jwt', 'its typ is another'],
    ['\u001b[2J', 'its typ is another'],
    [7, 'its typ is another'],
    [undefined, 'it has no typ'],
  ])(verifies('JWT-24', 'sig.key.jwt-type', 'typ %j is no identity: %s'), async (typ, said) => {
    const token = await agentToken(agent, key)
    const message = await withToken(retyped(token, typ))
    await expect(verifier.verify(message)).rejects.toMatchObject({
      code: 'unsupported_scheme',
      status: 401,
      description: `The JWT in Signature-Key is neither an agent token nor an auth token: ${said}`,
    })
    expect(net.fetched).toEqual([])
    await verifier.verify(await withToken(token))
  })

  test.each(['aa-agent+jwt', 'aa-auth+jwt', 'aa-resource+jwt'])(
    verifies('JWT-25', 'sig.key.jwt-type', 'the error for %s names it as of a later edition'),
    async typ => {
      const token = await agentToken(agent, key)
      await expect(verifier.verify(await withToken(retyped(token, typ)))).rejects.toMatchObject({
        code: 'unsupported_scheme',
        description: `The JWT in Signature-Key is neither an agent token nor an auth token: ${typ} is of a later edition of AAuth, and this is the exploratory one`,
      })
      expect(net.fetched).toEqual([])
      await verifier.verify(await withToken(token))
    },
  )

  test('agents that are not listed are refused without a fetch', async () => {
    const closed = verifierWith({ agents: ['https://friend.example'] })
    expect(await refused(await withToken(await agentToken(agent, key)), closed)).toEqual({
      code: 'policy_denied',
      status: 403,
    })
    expect(net.fetched).toEqual([])
  })

  test(verifies('TIM-11', 'an invalid tolerance is refused at construction'), () => {
    for (const tolerance of [0, -1, 86_400, Number.NaN]) expect(() => verifierWith({ tolerance })).toThrow(RangeError)
    verifierWith({ tolerance: 300 })
  })

  test('an expired agent token is accepted within the grace of the renewal endpoint only', async () => {
    const token = await agentToken(agent, key, { iat: now - 7200, exp: now - 3600 }).catch(() => '')
    expect(await refused(await withToken(token))).toEqual({ code: 'invalid_agent_token', status: 401 })
    await verifier.verify(await withToken(token), { expiredAgentTokenGrace: 7200 })
    expect(await refused(await withToken(token))).toEqual({ code: 'invalid_agent_token', status: 401 })
  })
})

describe('order', () => {
  test(verifies('token.order', 'a token with many faults is refused for the first in the order'), async () => {
    const stranger = await generateSigningKey()
    const late = { iat: now - 7200, exp: now - 3600, aud: 'https://other.example' }
    const wrong = { code: 'invalid_auth_token', status: 401 }
    const size = 'x'.repeat(6200)
    expect(await refused(await withToken(size))).toEqual(wrong)
    // Each of these has all faults: the issuer is checked before any key, the signature before the dates,
    // and the request's own signature only after the token.
    const unlisted = await net.publish('aauth-issuer', 'https://unlisted.example')
    const forged = await authToken(unlisted, key, late, stranger)
    expect(await refused(await withToken(forged, stranger))).toEqual({ code: 'untrusted_issuer', status: 401 })
    expect(net.fetched).toEqual([])
    const expired = await authToken(auth, key, late)
    expect(await refused(await withToken(expired, stranger))).toEqual(wrong)
    const unbound = await authToken(auth, key, {})
    expect(await refused(await withToken(unbound, stranger))).toEqual({ code: 'invalid_signature', status: 401 })
    await verifier.verify(await withToken(unbound))
  })
})

test('a misspelt restriction of a request is refused, and not ignored', async () => {
  const message = { method: 'GET', target: '/x', headers: [['host', 'api.example']] } as const
  const slip = { agnets: ['https://agent.example'] } as never
  await expect(verifier.verify(message, slip)).rejects.toThrow(
    "verify: unknown option 'agnets'; did you mean 'agents'?",
  )
  await expect(verifier.verifyHead(message, slip)).rejects.toThrow("verifyHead: unknown option 'agnets'")
  const head = await verifier.verifyHead(message)
  await expect(verifier.verifyBody(head, slip)).rejects.toThrow("verifyBody: unknown option 'agnets'")
  await expect(verifier.verify(message, { agents: undefined } as never)).rejects.toThrow(TypeError)
})
