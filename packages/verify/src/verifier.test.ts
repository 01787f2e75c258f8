import { base64urlEncode, generateSigningKey, type ReceivedMessage, type SigningKey } from '@countersign/httpsig'
import { verifies } from '@countersign/requirements'
import { beforeEach, describe, expect, test } from 'vitest'
import { agentToken, authToken, type Network, network, now, type Origin, signed } from './network.test.fixture.js'
import { createVerifier, type Verifier, type VerifierOptions } from './verifier.js'

const api = 'https://api.example'
const all = ['hwk', 'jwks_uri', 'agent+jwt', 'auth+jwt'] as const

let net: Network
let agent: Origin
let auth: Origin
let key: SigningKey
let verifier: Verifier

function verifierWith(options: Partial<VerifierOptions> = {}): Verifier {
  return createVerifier({
    receiver: api,
    discovery: net.discovery,
    accept: all,
    authServers: ['https://auth.example'],
    now: () => net.time,
    ...options,
  })
}

beforeEach(async () => {
  net = network()
  agent = await net.publish('aauth-agent', 'https://agent.example')
  auth = await net.publish('aauth-issuer', 'https://auth.example')
  key = await generateSigningKey()
  verifier = verifierWith()
})

async function refused(message: ReceivedMessage, by: Verifier = verifier): Promise<{ code: unknown; status: unknown }> {
  try {
    await by.verify(message)
  } catch (error) {
    const { code, status } = error as { code: unknown; status: unknown }
    return { code, status }
  }
  throw new Error('it was accepted')
}

const withToken = async (jwt: string, by: SigningKey = key): Promise<ReceivedMessage> =>
  signed(`${api}/x`, by, { scheme: 'jwt', jwt })

describe('levels', () => {
  test(verifies('level.anonymous', 'an unsigned request is anonymous'), async () => {
    const { caller } = await verifier.verify({ method: 'GET', target: '/x', headers: [['host', 'api.example']] })
    expect(caller).toEqual({ level: 'anonymous' })
  })

  test(verifies('level.pseudonymous', 'an inline key is a pseudonym and fetches nothing'), async () => {
    const { caller } = await verifier.verify(await signed(`${api}/x`, key, { scheme: 'hwk', jwk: key.publicJwk }))
    expect(caller).toMatchObject({ level: 'pseudonymous', key: { publicJwk: key.publicJwk }, peer: '192.0.2.1' })
    expect(net.fetched).toEqual([])
  })

  test(
    verifies('level.identified', 'a published key and an agent token identify; a token names the delegate'),
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

  test(verifies('level.authorized', 'token.user', 'an auth token brings issuer, scope and user'), async () => {
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
  })
})

describe('agent tokens', () => {
  test(verifies('AGT-01', 'AGT-08', 'a token signed by the delegate itself is refused'), async () => {
    expect(await refused(await withToken(await agentToken(agent, key, {}, key)))).toEqual({
      code: 'invalid_agent_token',
      status: 401,
    })
    await verifier.verify(await withToken(await agentToken(agent, key)))
  })

  test(verifies('AGT-02', 'a token signed by another participant is refused'), async () => {
    expect(await refused(await withToken(await agentToken(agent, key, {}, auth.key)))).toEqual({
      code: 'invalid_agent_token',
      status: 401,
    })
  })

  test(verifies('AGT-03', 'an issuer that publishes only aauth-resource is no agent'), async () => {
    const resource = await net.publish('aauth-resource', 'https://resource.example')
    expect(await refused(await withToken(await agentToken(resource, key)))).toEqual({
      code: 'discovery_failed',
      status: 401,
    })
  })

  test(
    verifies(
      'AGT-05',
      'token.agent.aud',
      'a token for others is refused, one that names this receiver among others is not',
    ),
    async () => {
      for (const aud of ['https://other.example', [], ['https://api.example/']]) {
        expect(await refused(await withToken(await agentToken(agent, key, { aud }).catch(() => 'x')))).toMatchObject({
          status: 401,
        })
      }
      await verifier.verify(await withToken(await agentToken(agent, key, { aud: ['https://other.example', api] })))
    },
  )

  test(
    verifies(
      'AGT-06',
      'token.binding',
      'a stolen agent token under the thief’s key is refused, also once it is remembered',
    ),
    async () => {
      const token = await agentToken(agent, key)
      const thief = await generateSigningKey()
      expect(await refused(await withToken(token, thief))).toEqual({ code: 'invalid_signature', status: 401 })
      await verifier.verify(await withToken(token))
      expect(await refused(await withToken(token, thief))).toEqual({ code: 'invalid_signature', status: 401 })
    },
  )

  test(verifies('AGT-13', 'one sub under two agents makes two principals'), async () => {
    const other = await net.publish('aauth-agent', 'https://other.example')
    const first = await verifier.verify(await withToken(await agentToken(agent, key)))
    const second = await verifier.verify(await withToken(await agentToken(other, key)))
    expect([first.caller, second.caller]).toMatchObject([
      { agent: 'https://agent.example' },
      { agent: 'https://other.example' },
    ])
  })

  test('an unknown kid is refused as the agent’s fault', async () => {
    const message = await signed(`${api}/x`, agent.key, {
      scheme: 'jwks_uri',
      id: agent.id,
      kid: 'k2',
      dwk: 'aauth-agent',
    })
    expect(await refused(message)).toEqual({ code: 'invalid_agent_token', status: 401 })
  })

  test(verifies('SCH-08', 'any other document name is refused before a fetch'), async () => {
    const message = await signed(`${api}/x`, agent.key, {
      scheme: 'jwks_uri',
      id: agent.id,
      kid: 'k1',
      dwk: 'openid-configuration',
    })
    expect(await refused(message)).toEqual({ code: 'invalid_signature', status: 401 })
    expect(net.fetched).toEqual([])
  })

  test(
    verifies('SCH-05', 'SCH-06', 'SCH-09', 'an id that is no canonical https origin is refused before a fetch'),
    async () => {
      for (const id of [
        'http://agent.example',
        'https://agent.example/',
        'https://AGENT.example',
        'https://agent.example:443',
        'https://agent.example@evil.example',
        'https://agent.example?u=https://evil.example',
        'https://127.0.0.1',
      ]) {
        const message = await signed(`${api}/x`, agent.key, { scheme: 'jwks_uri', id, kid: 'k1', dwk: 'aauth-agent' })
        expect([id, await refused(message)]).toEqual([id, { code: 'invalid_signature', status: 401 }])
      }
      expect(net.fetched).toEqual([])
    },
  )
})

describe('auth tokens', () => {
  test(verifies('AUT-01', 'token.signature', 'a token signed by another key is refused'), async () => {
    expect(await refused(await withToken(await authToken(auth, key, {}, agent.key)))).toEqual({
      code: 'invalid_auth_token',
      status: 401,
    })
    await verifier.verify(await withToken(await authToken(auth, key, {})))
  })

  test(
    verifies('AUT-02', 'token.issuer', 'an auth server that is not listed is refused without a fetch, however perfect'),
    async () => {
      const evil = await net.publish('aauth-issuer', 'https://evil.example')
      expect(await refused(await withToken(await authToken(evil, key, {})))).toEqual({
        code: 'untrusted_issuer',
        status: 401,
      })
      expect(net.fetched).toEqual([])
      expect(
        await refused(
          await withToken(await authToken(auth, key, {})),
          createVerifier({ receiver: api, discovery: net.discovery, accept: all, now: () => now }),
        ),
      ).toEqual({
        code: 'untrusted_issuer',
        status: 401,
      })
    },
  )

  test(verifies('AUT-03', 'token.auth.aud', 'a token for another resource is refused'), async () => {
    for (const aud of ['https://other.example', 'https://api.example.evil.example']) {
      expect(await refused(await withToken(await authToken(auth, key, { aud })))).toEqual({
        code: 'invalid_auth_token',
        status: 401,
      })
    }
  })

  test(verifies('AUT-04', 'a stolen auth token under the thief’s key is refused'), async () => {
    const token = await authToken(auth, key, {})
    expect(await refused(await withToken(token, await generateSigningKey()))).toEqual({
      code: 'invalid_signature',
      status: 401,
    })
  })

  test(
    verifies('AUT-06', 'token.times', 'a token that ends is refused from that second on, remembered or not'),
    async () => {
      const token = await authToken(auth, key, { exp: now + 30 })
      await verifier.verify(await withToken(token))
      net.time = now + 29
      await verifier.verify(await withToken(token))
      net.time = now + 30
      expect(await refused(await withToken(token))).toEqual({ code: 'invalid_auth_token', status: 401 })
      expect(await refused(await withToken(token), verifierWith())).toEqual({ code: 'invalid_auth_token', status: 401 })
    },
  )

  test(verifies('DSC-29', 'a remembered token ends with its issuer’s key'), async () => {
    const token = await authToken(auth, key, {})
    await verifier.verify(await withToken(token))
    await net.publish('aauth-issuer', 'https://auth.example')
    net.discovery.purge('https://auth.example')
    expect(await refused(await withToken(token))).toEqual({ code: 'invalid_auth_token', status: 401 })
  })

  test(
    verifies(
      'AUT-07',
      'token.auth.agent-absent',
      'a token without agent is this resource’s own only when it is the audience',
    ),
    async () => {
      const own = { aud: api, agent: undefined, scope: 'events.read' } as never
      const { caller } = await verifier.verify(await withToken(await authToken(auth, key, own)))
      expect(caller).toMatchObject({ level: 'authorized', agent: api })
    },
  )
})

describe('credentials', () => {
  test(
    verifies(
      'SCH-12',
      'token-endpoint.identified',
      'a credential that is not accepted is refused by its kind before any fetch',
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

  test('a remembered token is not accepted where its kind is not', async () => {
    const token = await authToken(auth, key, {})
    await verifier.verify(await withToken(token))
    await expect(verifier.verify(await withToken(token), { accept: ['agent+jwt'] })).rejects.toMatchObject({
      code: 'insufficient_level',
    })
  })

  test(
    verifies('sig.key.jwt', 'SCH-16', 'SCH-17', 'AUT-12', 'AUT-20', 'what is no agent or auth token is refused'),
    async () => {
      const token = await agentToken(agent, key)
      const [, payload, signature] = token.split('.')
      const retyped = (typ: unknown): string =>
        `${base64urlEncode(new TextEncoder().encode(JSON.stringify({ typ, alg: 'Ed25519', kid: 'k1' })))}.${payload}.${signature}`
      for (const jwt of [
        retyped('resource+jwt'),
        retyped('at+jwt'),
        retyped('JWT'),
        retyped(undefined),
        '',
        'a.b',
        'a.b.c.d',
        `${token}.x.y`,
        ' ',
      ]) {
        expect([jwt, await refused(await withToken(jwt))]).toMatchObject([jwt, { status: 401 }])
      }
      expect(net.fetched).toEqual([])
    },
  )

  test('agents that are not admitted are refused without a fetch', async () => {
    const closed = verifierWith({ agents: ['https://friend.example'] })
    expect(await refused(await withToken(await agentToken(agent, key)), closed)).toEqual({
      code: 'policy_denied',
      status: 403,
    })
    expect(net.fetched).toEqual([])
  })

  test(verifies('TIM-11', 'a tolerance that is no tolerance is refused at construction'), () => {
    for (const tolerance of [0, -1, 86_400, Number.NaN]) expect(() => verifierWith({ tolerance })).toThrow(RangeError)
    verifierWith({ tolerance: 300 })
  })

  test('an expired agent token is taken within the grace of the renewal endpoint only', async () => {
    const token = await agentToken(agent, key, { iat: now - 7200, exp: now - 3600 }).catch(() => '')
    expect(await refused(await withToken(token))).toEqual({ code: 'invalid_agent_token', status: 401 })
    await verifier.verify(await withToken(token), { expiredAgentTokenGrace: 7200 })
    expect(await refused(await withToken(token))).toEqual({ code: 'invalid_agent_token', status: 401 })
  })
})

describe('order', () => {
  test(verifies('token.order', 'a token with many faults is refused for the one that comes first'), async () => {
    const stranger = await generateSigningKey()
    const late = { iat: now - 7200, exp: now - 3600, aud: 'https://other.example' }
    const wrong = { code: 'invalid_auth_token', status: 401 }
    const size = 'x'.repeat(6200)
    expect(await refused(await withToken(size))).toEqual(wrong)
    // Everything is wrong with each of these: the issuer is looked at before any key, the signature before the dates,
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
